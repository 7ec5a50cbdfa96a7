#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Running machines made of files: kho-inspect's results, also while the state changes.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

# The test program leaves its machine, and each test gets a copy.
setup_file() {
	mkdir "$BATS_FILE_TMPDIR/machine"
	"$KHO_BUILDDIR/tests/unit/test-live" "$fixtures/v4-outgoing.khosnap" "$BATS_FILE_TMPDIR/machine"
}

setup() {
	root=$BATS_TEST_TMPDIR/root
	cp -a "$BATS_FILE_TMPDIR/machine" "$root"
}

@test "verify checks a finding again if the state changes meanwhile" {
	[ -s "$root/proc/kcore" ] # setup_file has run the test
}

@test "unreadable content of a running machine is not judged, and does not pass" {
	run -1 "$inspect" verify --sysroot "$root"
	[ "$(grep -c '^error *K413 *not judged' <<<"$output")" -ge 3 ]
}

@test "scratch is called bootmem since Linux 7.4" {
	"$inspect" scratch --sysroot "$root" >"$BATS_TEST_TMPDIR/scratch"
	grep -q 'kho_scratch=' "$BATS_TEST_TMPDIR/scratch"
	mv "$root/sys/kernel/debug/kho/out/scratch_phys" "$root/sys/kernel/debug/kho/out/bootmem_phys"
	mv "$root/sys/kernel/debug/kho/out/scratch_len" "$root/sys/kernel/debug/kho/out/bootmem_len"
	diff <(sed 's/kho_scratch=/kho_bootmem=/' "$BATS_TEST_TMPDIR/scratch") \
		<("$inspect" scratch --sysroot "$root")
}

@test "K510: expected state did not arrive" {
	run -1 "$inspect" verify --in --expect=5,9 --sysroot "$root"
	[[ $output == *"fatal    K510  5 records of generation 9 were expected"* ]]
}

@test "K510 is not judged if the kernel does not show KHO" {
	rm -r "$root/sys/kernel/debug/kho"
	run -1 "$inspect" verify --in --expect=5,9 --sysroot "$root"
	[[ $output == *"K510  not judged"* ]]
}

@test "a snapshot of the machine equals the one that the machine was made from" {
	run -0 "$inspect" snapshot --sysroot "$root" -o "$BATS_TEST_TMPDIR/snapshot"
	diff <("$inspect" ranges --core "$BATS_TEST_TMPDIR/snapshot") \
		<("$inspect" ranges --core "$fixtures/v4-outgoing.khosnap")
	diff <("$inspect" scratch --core "$BATS_TEST_TMPDIR/snapshot") \
		<("$inspect" scratch --core "$fixtures/v4-outgoing.khosnap")
}

@test "verify compares devices that keep mastering with the records, for any form of sysfs" {
	"$KHO_BUILDDIR/tests/unit/test-devices" "$root"
	mkdir "$BATS_TEST_TMPDIR/in"
	"$KHO_BUILDDIR/tests/unit/test-live" "$fixtures/v4-incoming-unclaimed.khosnap" \
		"$BATS_TEST_TMPDIR/in" in
	"$KHO_BUILDDIR/tests/unit/test-devices" "$BATS_TEST_TMPDIR/in" in
}

@test "K612: the target must be told of all preserved memory (x86: e820; arm64: device tree, EFI)" {
	"$KHO_BUILDDIR/tests/unit/test-target-map" "$root"
}

# device ADDRESS DRIVER COMMAND KEEP: adds a device to a fake PCI bus.
device() {
	local folder=$root/sys/devices/pci0000:00/$1
	mkdir -p "$folder" "$root/sys/bus/pci/devices"
	printf 'DRIVER=%s\nPCI_CLASS=20000\n' "$2" >"$folder/uevent"
	printf '\x86\x80\x0e\x10%b\x01' "\\x$3" >"$folder/config"
	truncate -s 64 "$folder/config"
	echo "$4" >"$folder/kexec_keep_master"
	ln -s "../../../devices/pci0000:00/$1" "$root/sys/bus/pci/devices/$1"
}

@test "a list says which devices keep mastering, and K520 which must not" {
	device 0000:00:02.0 kho_edu 07 1
	device 0000:00:1e.0 kho_nic 07 1
	run -0 "$inspect" list --sysroot "$root"
	[ "$(grep -c ' kept  *\(sealed\|live\)' <<<"$output")" = 5 ]
	"$inspect" list --json --sysroot "$root" |
		jq -e '.devices[1] == {"name": "0000:00:1e.0", "driver": "kho_nic", "bridge": false, "masters": true, "keeps_mastering": true}'
	run -1 "$inspect" verify --sysroot "$root"
	[[ $output == *"fatal    K520  PCI device 0000:00:1e.0 (kho_nic) keeps mastering"* ]]
	# a damaged record may belong to the device
	LC_ALL=C sed -i '0,/pci:0000:00:02.0/s//pci:0000:00:02.9/' "$root/proc/kcore"
	run -1 "$inspect" verify --sysroot "$root"
	[[ $output == *"fatal    K520  not judged: PCI device 0000:00:1e.0 (kho_nic) is mastering"* ]]
	"$inspect" list --json --core "$fixtures/v4-outgoing.khosnap" | jq -e '.devices == null'
}

@test "mastering of an unreadable device is unknown" {
	device 0000:00:02.0 kho_edu 07 maybe
	run -2 --separate-stderr "$inspect" list --sysroot "$root"
	[ "$(grep -c ' ?  *\(sealed\|live\)' <<<"$output")" = 5 ]
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $stderr == *"PCI device 0000:00:02.0: kexec_keep_master is neither 0 nor 1"* ]]
	"$inspect" list --json --sysroot "$root" 2>/dev/null | jq -e '.devices == null'
}

@test "libkho refuses what is not a file below a sysroot, and does not wait for it" {
	local name
	for name in proc/iomem proc/config.gz proc/kallsyms proc/cmdline; do
		mkfifo "$root/$name"
	done
	run -1 timeout 60 "$inspect" verify --sysroot "$root"
	for name in sys/kernel/debug/kho/out/{fdt_phys,scratch_phys,scratch_len} proc/kcore; do
		rm "$root/$name"
		mkfifo "$root/$name"
		run timeout 60 "$inspect" verify --sysroot "$root"
		((status == 1 || status == 2))
	done
	[[ $output == *"cannot open $root/proc/kcore: No such device or address."* ]]
}

@test "a table of symbols without lines has no symbols, whatever size it claims" {
	rm "$root/sys/kernel/debug/kho/out/fdt_phys"
	truncate -s 1T "$root/proc/kallsyms"
	run timeout 60 "$inspect" show --sysroot "$root"
	((status != 124))
}
