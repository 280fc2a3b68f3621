"""Machine code of the inner loops: ``python -m rooms.media.forwarding.native.translate`` writes an image to standard output.

numba makes LLVM's intermediate code of each function, LLVM one object of them all, and what is taken of that is its text: bytes that
run wherever they lie. For that they may call nothing but what an address in memory names, and have no data of their own; whatever else
they came to need would be a relocation, and is refused here.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

# A vectorised loop has constants beside the code. It has to be said before numba is loaded, and so do the features: another machine,
# with the same folder, may lack what this one has.
os.environ.update(NUMBA_LOOP_VECTORIZE="0", NUMBA_SLP_VECTORIZE="0", NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.extending import intrinsic

from . import image, memory

_WORD, _INT = ir.IntType(64), ir.IntType(32)
_word = numba.types.int64

_ELF64 = struct.Struct("<16xHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_SYMTAB, _RELOCATIONS, _EXECUTABLE = 2, (4, 9), 4


def _get(bits: int) -> Any:
    def get(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.IntType(bits)
            loaded = builder.load(builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            return loaded if bits == 64 else builder.zext(loaded, _WORD)

        return _word(_word), generate

    return intrinsic(get)


def _put(bits: int) -> Any:
    def put(typing: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = ir.IntType(bits)
            value = arguments[1] if bits == 64 else builder.trunc(arguments[1], kind)
            builder.store(value, builder.inttoptr(arguments[0], kind.as_pointer()), align=1)
            return context.get_dummy_value()

        return numba.types.void(_word, _word), generate

    return intrinsic(put)


def _call(builder: Any, address: Any, returned: Any, arguments: list[Any]) -> Any:
    kind = ir.FunctionType(returned, [argument.type for argument in arguments])
    return builder.call(builder.inttoptr(address, kind.as_pointer()), arguments)


def _move(typing: Any, function: Any, to: Any, start: Any, size: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _call(builder, arguments[0], _WORD, arguments[1:])
        return context.get_dummy_value()

    return numba.types.void(_word, _word, _word, _word), generate


def _transform(typing: Any, function: Any, session: Any, packet: Any, length: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.sext(_call(builder, arguments[0], _INT, arguments[1:]), _WORD)

    return _word(_word, _word, _word, _word), generate


def _begin(typing: Any, function: Any, context: Any, nonce: Any) -> Any:
    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, context, nonce = arguments
        return builder.sext(_call(builder, function, _INT, [context, _WORD(0), _WORD(0), _WORD(0), nonce]), _WORD)

    return _word(_word, _word, _word), generate


def _begin_tagged(typing: Any, function: Any, context: Any, nonce: Any, parameters: Any) -> Any:
    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, context, nonce, parameters = arguments
        return builder.sext(_call(builder, function, _INT, [context, _WORD(0), _WORD(0), nonce, parameters]), _WORD)

    return _word(_word, _word, _word, _word), generate


def _update(typing: Any, function: Any, context: Any, to: Any, length: Any, start: Any, size: Any) -> Any:
    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, *given, size = arguments
        return builder.sext(_call(builder, function, _INT, [*given, builder.trunc(size, _INT)]), _WORD)

    return _word(_word, _word, _word, _word, _word, _word), generate


def _control(typing: Any, function: Any, context: Any, kind: Any, number: Any, where: Any) -> Any:
    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, context, kind, number, where = arguments
        given = [context, builder.trunc(kind, _INT), builder.trunc(number, _INT), where]
        return builder.sext(_call(builder, function, _INT, given), _WORD)

    return _word(_word, _word, _word, _word, _word), generate


def _exchange(typing: Any, function: Any, descriptor: Any, headers: Any, count: Any, flags: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        function, descriptor, headers, count, flags = arguments
        # The last is recvmmsg's time limit: none.
        given = [builder.trunc(descriptor, _INT), headers, builder.trunc(count, _INT), builder.trunc(flags, _INT), _WORD(0)]
        return builder.sext(_call(builder, function, _INT, given), _WORD)

    return _word(_word, _word, _word, _word, _word), generate


def _tell_time(typing: Any, function: Any, clock: Any, where: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _call(builder, arguments[0], _INT, [builder.trunc(arguments[1], _INT), arguments[2]])
        return context.get_dummy_value()

    return numba.types.void(_word, _word, _word), generate


def _error_number(typing: Any, function: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        where = _call(builder, arguments[0], _WORD, [])
        return builder.sext(builder.load(builder.inttoptr(where, _INT.as_pointer())), _WORD)

    return _word(_word), generate


#: What stands for the functions of :mod:`memory`.
MEMORY = {
    **{f"get{bits}": _get(bits) for bits in (8, 16, 32, 64)},
    **{f"put{bits}": _put(bits) for bits in (8, 16, 32, 64)},
    "move": intrinsic(_move),
    "transform": intrinsic(_transform),
    "begin": intrinsic(_begin),
    "begin_tagged": intrinsic(_begin_tagged),
    "update": intrinsic(_update),
    "control": intrinsic(_control),
    "exchange": intrinsic(_exchange),
    "tell_time": intrinsic(_tell_time),
    "error_number": intrinsic(_error_number),
}


def _compiled(functions: Mapping[str, Callable[..., int]]) -> dict[str, Any]:
    """numba's own object for each function. They call one another through their modules, which have these in their place from now on."""
    if missing := [name for name in image.names(memory) if name not in MEMORY]:
        raise RuntimeError(f"nothing stands for {missing}")
    places = [vars(module) for module in image.MODULES]
    for place in places:
        place.update(MEMORY)
    njit: Any = numba.njit  # its types know nothing of the wrappers for Python, which would have relocations
    made = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
    compiled = {name: made(function) for name, function in functions.items()}
    for place in places:
        place.update(compiled)
    for name, function in functions.items():
        compiled[name].compile((_word,) * function.__code__.co_argcount)
    return {name: next(iter(one.overloads.values())) for name, one in compiled.items()}


def translate() -> bytes:
    """The image of them. Raises RuntimeError if the code needs more than its own text."""
    functions = image.functions()
    symbols, whole = {}, None
    for name, result in _compiled(functions).items():
        module = llvm.parse_assembly(result.library.get_llvm_str())
        symbols[result.fndesc.llvm_func_name] = name
        if whole is None:
            whole = module
        else:
            whole.link_in(module)
    for function in whole.functions if whole is not None else ():
        if not function.is_declaration:
            function.linkage = llvm.Linkage.internal  # so that calls from one to another are made here and not by a linker
    machine = llvm.Target.from_default_triple().create_target_machine(cpu="", features="", opt=3, reloc="pic", codemodel="default")
    text, places = _text(machine.emit_object(whole))
    return image.pack(text, {symbols[symbol]: place for symbol, place in places.items() if symbol in symbols})


def _text(data: bytes) -> tuple[bytes, dict[str, int]]:
    """The executable section of an ELF object, and where in it each symbol is."""
    _, _, _, _, _, at, _, _, _, _, size, count, _ = _ELF64.unpack_from(data)
    sections = [_SECTION.unpack_from(data, at + size * number) for number in range(count)]
    executable = [number for number, section in enumerate(sections) if section[2] & _EXECUTABLE]
    if len(executable) != 1 or any(section[1] in _RELOCATIONS and section[7] in executable for section in sections):
        raise RuntimeError("the machine code is not of one piece")
    start, length = sections[executable[0]][4:6]
    places = {}
    for _, kind, _, _, begin, total, names, _, _, _ in sections:
        if kind != _SYMTAB:
            continue
        strings = sections[names][4]
        for place in range(begin, begin + total, _SYMBOL.size):
            name, _, _, section, value, _ = _SYMBOL.unpack_from(data, place)
            if section in executable:
                places[data[strings + name : data.index(b"\0", strings + name)].decode()] = value
    return data[start : start + length], places


if __name__ == "__main__":
    sys.stdout.buffer.write(translate())
