#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes small kernel images with any payload, as input for readers of such images.

	kernel_image.py bzimage FILE PAYLOAD [INIT_SIZE]
	kernel_image.py info FILE FLAGS ROOT LUO DMA	adds a kernel_info to a bzImage
	kernel_image.py arm64 FILE KERNEL [PAGE]	0 to 3: unspecified, 4, 16, 64 KiB
	kernel_image.py zboot FILE PAYLOAD
	kernel_image.py uki FILE KERNEL [SECTION=FILE]...	with more sections, such as .initrd
	kernel_image.py lz4 FILE PAYLOAD		packed, in the legacy format

Sources: Documentation/arch/x86/boot.rst, Documentation/arch/arm64/booting.rst and
drivers/firmware/efi/libstub/zboot-header.S of Linux 7.3; the UAPI group's specification of UKIs.
"""
import os
import struct
import sys

SETUP = 1024  # a boot sector and a setup sector
BLOCK = 1 << 20


def bzimage(payload, init_size=0):
    head = bytearray(SETUP)
    head[0x1F1] = 1
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x206, 0x20F)
    struct.pack_into("<II", head, 0x248, 0, len(payload))
    struct.pack_into("<I", head, 0x260, init_size)
    return bytes(head) + payload


def with_kernel_info(image, flags, *strings):
    """A kernel_info about KHO, behind the payload: readers need not unpack the image for it."""
    def chunk(magic, data):
        return magic + struct.pack("<I", 8 + len(data)) + data

    kho = struct.pack("<I", flags) + b"".join(os.fsencode(s) + b"\0" for s in strings)
    # an unknown chunk comes first
    chunks = chunk(b"ABCD", b"String_0\0") + chunk(b"KHO1", kho)
    info = b"LToP" + struct.pack("<III", 16, 16 + len(chunks), 9) + chunks
    head = bytearray(image[:SETUP])
    struct.pack_into("<I", head, 0x268, len(image) - SETUP)
    struct.pack_into("<H", head, 0x20E, 0x300 - 0x200)
    release = b"9.9.9-info (me) #1\0"
    head[0x300:0x300 + len(release)] = release
    return bytes(head) + image[SETUP:] + info


def arm64(kernel, page=1):
    return struct.pack("<IIQQQQQQ4sI", 0x14000010, 0, 0, 64 + len(kernel), page << 1, 0, 0, 0,
                       b"ARM\x64", 0) + kernel


def zboot(payload):
    head = struct.pack("<4s4sIIII32s", b"MZ\0\0", b"zimg", 64, len(payload), 0, 0, b"gzip")
    return head.ljust(64, b"\0") + payload


def uki(kernel, *more):
    """@more: (name, content) of further sections. UKIs with profiles have a second .linux."""
    sections = [(b".cmdline", b"kho=off"), (b".linux", kernel)]
    # bytes after the end of a name are not part of it
    sections += [(name + b"\0x"[:8 - len(name)], content) for name, content in more]
    at, table, data = 512, b"", b""
    for name, content in sections:
        table += struct.pack("<8sIIII", name, len(content), 0x1000, len(content), at + len(data))
        table += bytes(16)
        data += content
    pe = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 16, 0x22) + bytes(16)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 64) + pe + table
    return head.ljust(at, b"\0") + data


def lz4(data):
    """Valid blocks that contain only literals, so that this needs no lz4."""
    out = struct.pack("<I", 0x184C2102)
    for at in range(0, len(data), BLOCK):
        part = data[at:at + BLOCK]
        left, block = len(part) - 15, b"\xf0"
        while left >= 255:
            block, left = block + b"\xff", left - 255
        block += bytes([left]) + part
        out += struct.pack("<I", len(block)) + block
    return out


def read(path):
    with open(path, "rb") as f:
        return f.read()


def read_section(argument):
    name, _, path = argument.partition("=")
    return name.encode(), read(path)


def main(what, path, *args):
    if what == "info":
        image = with_kernel_info(read(path), int(args[0]), *args[1:])
    else:
        make = {"bzimage": bzimage, "arm64": arm64, "zboot": zboot, "uki": uki, "lz4": lz4}[what]
        image = make(read(args[0]), *map(read_section if what == "uki" else int, args[1:]))
    with open(path, "wb") as f:
        f.write(image)


if __name__ == "__main__":
    main(*sys.argv[1:])
