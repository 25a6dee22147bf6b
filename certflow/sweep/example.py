"""A small specification, which `certflow sweep --example` prints."""

EXAMPLE = """\
# A dozen mixtures, five questions about each: some 40 to 60 s of processor time.
# certflow sweep example.toml --out example          (docs/sweep.md has every key)
schema = "certflow/sweep/1"
name = "example"
t_min = "0.01"      # the interval of t, exact
t_max = "3"
seconds = 60        # limit of one task
seed = 0            # of everything that is drawn

# Every combination of the values that are listed.
[[mixtures]]
name = "lines"
layout = "line"
components = [2, 3, 5]
dimension = 1
sigma = [0.1, 0.2, 0.4]
separation = 2

# Random draws: a list is chosen from, a range drawn from.
[[mixtures]]
name = "random"
draws = 2
layout = "random"
components = { low = 3, high = 6 }
dimension = 2
sigma = { low = 0.1, high = 0.4, log = true }
separation = 2
weights = "random"

# A mixture fitted to a data set (iris, wine, digits, or a file of points).
[[mixtures]]
name = "iris"
data = "iris"
components = 3
dimension = 2

[[claims]]
ids = ["L2", "G1"]
profile = "quick"

[[experiments]]
name = "exponents"

[[experiments]]
name = "segments"
budget = 10
tolerance = 0.001

[[experiments]]
name = "student-grids"
label = "students"
segments = 4

[[diagrams]]
of = "students"
figure = "gain_balanced"
x = "sigma"
y = "components"
"""
