"""Networks and gadgets as plain JSON, every weight an exact text `p/q`: what exports and certificates hold.

    {"inputs": n, "layers": [[{"square": false, "bias": "p/q", "weights": {"0": "p/q", ...}}, ...], ...],
     "outputs": [{"bias": "p/q", "weights": {...}}, ...]}
    {"knots": ["p/q", ...], "side": "above" | "below" | "both", "network": {...}}

Keys of `weights` are the places of neurons in the layer below (of inputs, for the first layer), counted from 0.
"""

from __future__ import annotations

from typing import Any, get_args

from certflow.errors import InputError
from certflow.networks.gadgets.pieces import Gadget, Side
from certflow.networks.graph import Network, Neuron, Row, rational
from certflow.numbers.exact import exact_number


def to_mapping(network: Network) -> dict[str, Any]:
    """The network as plain JSON.

    >>> from certflow.networks.gadgets.exact import square
    >>> network = Network(1)
    >>> to_mapping(network.finish([square(network, network.input(0))]))["outputs"]
    [{'bias': '0', 'weights': {'0': '1', '1': '1'}}]
    """
    return {
        "inputs": network.inputs,
        "layers": [[{"square": neuron.square, **_row(neuron.row)} for neuron in layer] for layer in network.layers],
        "outputs": [_row(row) for row in network.outputs],
    }


def from_mapping(content: Any, field: str = "network") -> Network:
    """The network of `to_mapping`, exactly.

    Raises
    ------
    InputError : another form, a number that is no exact text, or a weight of a neuron that is not there.
    """
    _object(content, field, ("inputs", "layers", "outputs"))
    inputs = content["inputs"]
    if type(inputs) is not int or inputs < 1:
        raise InputError(f"{field}.inputs", inputs, "an integer >= 1")
    below, layers = inputs, []
    for i, layer in enumerate(_list(content["layers"], f"{field}.layers")):
        neurons = []
        for j, entry in enumerate(_list(layer, f"{field}.layers[{i}]")):
            where = f"{field}.layers[{i}][{j}]"
            _object(entry, where, ("square", "bias", "weights"))
            if type(entry["square"]) is not bool:
                raise InputError(f"{where}.square", entry["square"], "true or false")
            neurons.append(Neuron(_row_of(entry, where, below), entry["square"]))
        layers.append(neurons)
        below = len(neurons)
    outputs = []
    for i, entry in enumerate(_list(content["outputs"], f"{field}.outputs")):
        _object(entry, f"{field}.outputs[{i}]", ("bias", "weights"))
        outputs.append(_row_of(entry, f"{field}.outputs[{i}]", below))
    return Network(inputs, layers, outputs, [[""] * len(layer) for layer in layers])


def gadget_mapping(gadget: Gadget) -> dict[str, Any]:
    """The gadget as plain JSON."""
    return {
        "knots": [str(knot) for knot in gadget.knots],
        "side": gadget.side,
        "network": to_mapping(gadget.network),
    }


def gadget_of(content: Any, field: str = "gadget") -> Gadget:
    """The gadget of `gadget_mapping`, exactly; raises `InputError` as `from_mapping` does."""
    _object(content, field, ("knots", "side", "network"))
    if content["side"] not in get_args(Side):
        raise InputError(f"{field}.side", content["side"], " or ".join(get_args(Side)))
    knots = [_number(knot, f"{field}.knots[{i}]") for i, knot in enumerate(_list(content["knots"], f"{field}.knots"))]
    return Gadget(from_mapping(content["network"], f"{field}.network"), tuple(knots), content["side"])


def _row(row: Row) -> dict[str, Any]:
    return {"bias": str(row.bias), "weights": {str(i): str(weight) for i, weight in sorted(row.weights.items())}}


def _row_of(entry: dict[str, Any], field: str, below: int) -> Row:
    weights = {}
    if not isinstance(entry["weights"], dict):
        raise InputError(f"{field}.weights", entry["weights"], "an object")
    for key, weight in entry["weights"].items():
        if not (key.isascii() and key.isdigit() and str(int(key)) == key and int(key) < below):
            raise InputError(f"{field}.weights", key, f"places from 0 to {below - 1}")
        weights[int(key)] = _number(weight, f"{field}.weights.{key}")
    return Row(weights, _number(entry["bias"], f"{field}.bias"))


def _number(text: Any, field: str) -> Any:
    if not isinstance(text, str):
        raise InputError(field, text, 'an exact number in quotes, such as "1/3"')
    return rational(exact_number(text, field))


def _object(content: Any, field: str, keys: tuple[str, ...]) -> None:
    if not isinstance(content, dict) or set(content) != set(keys):
        raise InputError(field, content, f"an object with the keys {', '.join(keys)}")


def _list(content: Any, field: str) -> list[Any]:
    if not isinstance(content, list):
        raise InputError(field, content, "a list")
    return content
