"""Diagnosis: which known fault explains what code said.

`code` has the formulas of a score with every place open to change; `parameters` and `noising` list faults of them,
`quantities` what may be returned for what; `fitted` finds unknown numbers, `plain` what is seen in the answers alone;
`search` compares. `vectors` names the causes of an examination.
"""
