"""Suprema over all of R^d, proved: coverings of space by cells, and what each cell is settled by (THEORY L5).

`sharp` and `exponent` are the entries; `cover`, `rules` and `tasks` prove, `search` and `witness` look for what to
prove; `isotropic*` do the same for different isotropic variances. The lemmas are in proofs/sharp.md and
proofs/sharp-isotropic.md.
"""
