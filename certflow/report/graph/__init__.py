"""The graph of statements: what rests on what, with what evidence, as SVG, as Mermaid and as a part of the page."""
