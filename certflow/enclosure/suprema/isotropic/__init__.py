"""Sharp rates of kind "isotropic": `Sigma_k = sigma_k^2 I` with variances that are not all equal (proofs/L7.md).

`rate` is the entry, `law` what it is about; `search` looks for large values and covers a cube, by the rules of `cells`
and `taylor`; `far` proves what lies outside the cube. The lemmas are in proofs/sharp-isotropic.md. Where all variances
are equal, the kind is "common-isotropic", and `certflow.enclosure.suprema.common` has the rate.
"""
