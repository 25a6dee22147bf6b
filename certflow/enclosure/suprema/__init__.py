"""Suprema over all of R^d, proved: coverings of space by cells, and what each cell is settled by (proofs/L5.md).

`sharp` (at one time) and `exponent` (integrated over time) are the entries. There is a route for each kind of
covariance: `common` for "common-isotropic", `shared` for "shared", and the folder `isotropic` for "isotropic", that is
different variances. The first two are a search (`search`, `witness`) and a proof (`cover`, `rules`, `tasks`) over all
tilts; the last has its own over all points. The lemmas are in proofs/sharp.md and proofs/sharp-isotropic.md.
"""
