"""What Arrow's types are to the readers: numbers, text, dates, arrays; and their names in errors."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["VECTOR_FIELDS", "is_list", "is_number", "is_timestamp", "shown", "type_of"]

VECTOR_FIELDS = {"type", "size", "indices", "values"}


def type_of(kind: "pa.DataType") -> str:
    """The type as ``raw_kinds.py`` calls it."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return "text" if type_of(kind.value_type) == "text" else "coded"
    if types.is_boolean(kind):
        return "boolean"
    if is_number(kind) or types.is_null(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    if types.is_date(kind) or types.is_timestamp(kind):
        return "date"
    if types.is_struct(kind) and {field.name for field in kind} == VECTOR_FIELDS:
        return "wide"
    inner = is_list(kind) and (is_number(kind.value_type) or types.is_null(kind.value_type))
    return "wide" if inner else ""


def is_number(kind: "pa.DataType") -> bool:
    """Whether values of a type are numbers, booleans among them."""
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind) or types.is_decimal(kind)
    )


def is_timestamp(kind: "pa.DataType") -> bool:
    """Whether values of a type are moments."""
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind))


def shown(kind: "pa.DataType") -> str:
    """A type's name, as Spark calls it."""
    import pyarrow as pa

    if is_list(kind):
        return f"array of {shown(kind.value_type)}"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_dictionary(kind):
        return f"category of {shown(kind.value_type)}"
    for name in ("string", "date", "timestamp", "struct", "map", "binary", "null", "duration"):
        if getattr(pa.types, f"is_{name}")(kind):
            return name
    return "string" if pa.types.is_large_string(kind) else str(kind)


def is_list(kind: "pa.DataType") -> bool:
    """Whether values of a type are lists."""
    import pyarrow as pa

    types = pa.types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))
