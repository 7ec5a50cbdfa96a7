#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The cost of reading a state, for any input.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

@test "work grows like n log n and memory like n, whatever shape the input has" {
	local dump=$BATS_TEST_TMPDIR/dump
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --kdump 500 "$dump.1"
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --kdump 2000 "$dump.2"
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --kdump 8000 "$dump.3"
	# libkdumpfile leaks
	allow_leaks
	# at each strstr(), the sanitizer measures the rest of the string: most of the time of this test. Other tests check
	# these calls.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:intercept_strstr=0 "$KHO_BUILDDIR/tests/unit/test-growth" "$BATS_TEST_TMPDIR" "$dump".[123]
}

@test "memory that runs out is an error, and never a finding" {
	local dump=$BATS_TEST_TMPDIR/dump root=$BATS_TEST_TMPDIR/root machine=$BATS_TEST_TMPDIR/machine
	local kernel=$BATS_TEST_TMPDIR/kernel damaged=$BATS_TEST_TMPDIR/damaged in setup_data symbols=$BATS_TEST_TMPDIR/symbols unknown=$BATS_TEST_TMPDIR/unknown
	mkdir -p "$root/proc" "$root/sys/kernel/debug"
	echo kho=on >"$root/proc/cmdline"
	printf 'CONFIG_KEXEC_HANDOVER=y\n# CONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT is not set\n' | gzip >"$root/proc/config.gz"
	# the symbols say that the kernel has KHO
	mkdir -p "$symbols/proc" "$symbols/sys/kernel/debug"
	echo kho=on >"$symbols/proc/cmdline"
	printf 'ffffffff81000000 T _text\nffffffff81000010 T kho_is_enabled\n' >"$symbols/proc/kallsyms"
	# libkho searches it for the root
	"$KHO_BUILDDIR/tests/bench/bench-dump" --memory 3 --whole 30 "$dump"
	# only setup_data says where the incoming root is
	mkdir "$machine"
	"$KHO_BUILDDIR/tests/unit/test-live" "$fixtures/v4-incoming-unclaimed.khosnap" "$machine" in
	in=$machine/sys/kernel/debug/kho/in setup_data=$machine/sys/kernel/boot_params/setup_data/0
	mkdir -p "$setup_data" "$machine/proc/sys/kernel"
	echo 9.9.9 >"$machine/proc/sys/kernel/osrelease"
	echo 0xa >"$setup_data/type"
	/usr/bin/python3 - "$machine/proc/kcore" "$in" "$setup_data/data" <<-'END'
		import struct, sys
		core, folder = open(sys.argv[1], "rb"), sys.argv[2]
		head = core.read(64)
		start, count = struct.unpack_from("<Q", head, 32)[0], struct.unpack_from("<H", head, 56)[0]
		phys = int(open(folder + "/fdt_phys").read(), 16)
		for i in range(count):
		    core.seek(start + 56 * i)
		    _, _, offset, _, addr, size, _, _ = struct.unpack("<IIQQQQQQ", core.read(56))
		    if addr <= phys < addr + size:
		        core.seek(offset + phys - addr)
		        open(folder + "/fdt", "wb").write(core.read(4096))
		open(sys.argv[3], "wb").write(struct.pack("<4Q", phys, 4096, 0, 0))
	END
	rm "$in/fdt_phys"
	# a kernel with its configuration
	{
		echo 'Linux version 9.9.9-test (me@here) #1'
		printf 'kho-v4\0luo-v5\0dma-alloc-v1\0IKCFG_ST'
		gzip <<<CONFIG_KEXEC_HANDOVER=y
		printf IKCFG_ED
	} >"$kernel.strings"
	(cd "$BATS_TEST_TMPDIR" && printf '.section .rodata\n.incbin "kernel.strings"\n' >kernel.s && "${CC:-gcc}" -c -o kernel kernel.s)
	"$damage" blob-not-preserved "$fixtures/v4-outgoing.khosnap" "$damaged"
	# a subtree of an unknown name, which is an FDT
	LC_ALL=C sed s/kho_test/kho_best/ "$fixtures/v1-outgoing.khosnap" >"$unknown"
	"$KHO_BUILDDIR/tests/unit/test-nomem" "$root" "$symbols" "$machine" "$kernel" "$fixtures"/*.khosnap "$dump" "$damaged" "$unknown"
}
