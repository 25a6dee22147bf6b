"""Run a notebook on a kernel of its own: `python on_a_kernel.py NOTEBOOK FOLDER` prints it with what its cells printed.

A process of its own, for the sockets that the client leaves open when it ends.
"""

from __future__ import annotations

import sys
import tempfile


def main(path: str, folder: str) -> None:
    import nbclient
    import nbformat
    from jupyter_client import AsyncKernelManager

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="certflow-") as sockets:  # their names are short
        kernel = AsyncKernelManager(transport="ipc", connection_file=f"{sockets}/kernel.json")
        where = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, km=kernel, timeout=600, startup_timeout=600, resources=where).execute()
    print(nbformat.writes(notebook))


if __name__ == "__main__":
    main(*sys.argv[1:])
