#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The series for kexec-tools applies, builds, and changes nothing without KHO. The tests in virtual
# machines compare loads.

# shellcheck disable=SC2030,SC2031 # each test has its own environment

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"
export top

# An empty folder for the test, and the libkho that kexec is linked with.
in_folder_with_libkho() {
	local libraries
	needs_checkout
	libraries=$top/build/stage/usr/lib/$(gcc -print-multiarch)
	export LD_LIBRARY_PATH=$libraries
	cd "$BATS_TEST_TMPDIR" || return
}

# build KIND VERSION: builds kexec if the cache does not have it, and prints its path.
build() {
	bash -euo pipefail -c '
		. "$top/lab/common.bash"
		. "$top/lab/series.bash"
		. "$top/lab/stage.bash"
		. "$top/lab/kexec.bash"
		kexec_build_kind "$1" "$(fetch_source "kexec-tools-$2")"
	' build "$1" "$2"
}

@test "README.md counts the lines that the patches add" {
	local patch number=0 name count total
	for patch in "$top"/kexec/patches/*.patch; do
		number=$((number + 1)) total=0
		while read -r name count; do
			total=$((total + count))
			grep -E "^\| $number, " "$top/kexec/README.md" | grep -qF "\`$name\` ($count)"
		done < <(awk '/^\+\+\+ b\// { file = substr($2, 3); next }
			/^\+/ && file { added[file]++ }
			END { for (file in added) print file, added[file] }' "$patch")
		grep -Eq "^\| $number, .*\| $total \|$" "$top/kexec/README.md"
	done
	[ "$number" = "$(grep -c . "$top/kexec/patches/series")" ]
}

@test "the series builds on 2.0.32 and 2.0.29, with libkho and without" {
	local version kexec
	needs_checkout
	for version in 2.0.32 2.0.29; do
		kexec=$(build ours "$version")
		readelf -d "$kexec" | grep -q 'NEEDED.*libkho'
		kexec=$(build off "$version")
		run ! grep -q libkho <(readelf -d "$kexec")
		run -1 "$kexec" --kho=auto --version
		[[ $output == *"built without libkho"* ]]
		run -0 "$kexec" --version
		[ "$output" = "kexec-tools $version" ]
	done
}

# Compares status, stdout and stderr of two binaries of the same name. Ignores the help about our
# options, and the error that patch 4 corrects.
same() {
	local which status
	for which in stock ours; do
		status=0
		(cd "$BATS_TEST_TMPDIR" && PATH=$BATS_TEST_TMPDIR/$which:$PATH kexec "$@") \
			>"$which.out" 2>"$which.err" || status=$?
		echo "$status" >>"$which.err"
	done
	sed -i '/--kho=MODE/d; /(default), require, or off/d; /--kho-dry-run/d; /would come of it/d; /--kho-report/d' ours.out
	# upstream reads the PE header even of a file without one
	sed -i '/^ERR: optional header is missing$/d' stock.out
	diff -u stock.out ours.out
	diff -u stock.err ours.err
}

@test "a report on the standard output has no other output in it" {
	local path
	in_folder_with_libkho
	head -c 100000 /dev/zero >junk
	for path in -s -c; do
		# otherwise it says "Not a PE file"
		"$(build ours 2.0.32)" -l "$path" --kho-report=- junk >report 2>said && return 1
		[ "$(jq -r .verdict report)" = failed ]
		[ -s said ]
	done
}

@test "a report replaces a report, and no other file" {
	local name
	in_folder_with_libkho
	head -c 100000 /dev/zero >kernel
	cp kernel before
	ln kernel hard
	ln -s kernel link
	echo initrd >initrd
	for name in kernel hard link "$PWD/kernel" initrd; do
		run -1 "$(build ours 2.0.32)" -l --kho-dry-run --kho-report="$name" kernel --initrd=initrd
		[[ $output == *"would replace a file that is not a report"* ]]
		cmp kernel before
		[ "$(<initrd)" = initrd ]
	done
	for name in report report empty; do
		: >empty
		run ! "$(build ours 2.0.32)" -l --kho-dry-run --kho-report="$name" kernel
		jq -e .verdict "$name"
	done
}

@test "a closed standard output is an error, and never the report" {
	local kexec
	in_folder_with_libkho
	kexec=$(build ours 2.0.32)
	"$kexec" -e --kho-dry-run >&- 2>said && return 1
	grep -q "cannot write to the standard output: Bad file descriptor" said
	"$kexec" -e --kho-dry-run --kho-report=report <&- >&- 2>&- && return 1
	[ "$(jq -r .verdict report)" = failed ]
	run -1 "$kexec" -e --kho-dry-run --kho-report=
	[[ $output == *"--kho-report takes a file, not an empty string"* ]]
}

@test "two values of an option exclude each other" {
	local kexec
	in_folder_with_libkho
	kexec=$(build ours 2.0.32)
	run ! "$kexec" -e --kho-dry-run --kho=off --kho=require
	[[ $output == *"--kho=off and --kho=require exclude each other: leave one of them out"* ]]
	run ! "$kexec" -e --kho-dry-run --kho-report=one --kho-report=two
	[[ $output == *"--kho-report is there twice"* ]]
	[ ! -e one ] && [ ! -e two ]
	run -0 "$kexec" -e --kho-dry-run --kho=auto --kho=auto
}

@test "a report or a dry run that cannot be written is a failure" {
	local kexec
	in_folder_with_libkho
	kexec=$(build ours 2.0.32)
	run -0 "$kexec" -e --kho-dry-run --kho-report=report
	[[ $output == "KHO: would jump"* ]]
	[ "$(jq -r .verdict report)" = would-jump ]
	run -1 "$kexec" -e --kho-dry-run --kho-report=/dev/full
	[[ $output == *"cannot write the report: "*"No space left"* ]]
	"$kexec" -e --kho-dry-run >/dev/full 2>said && return 1
	grep -q "cannot write to the standard output: No space left" said
	"$kexec" -e --kho-dry-run --kho-report=report >/dev/full 2>said && return 1
	[ "$(jq -r '"\(.verdict) \(.exit_status)"' report)" = "failed 1" ]
	# a limit for files stands for a full file system
	ln -s report link
	# shellcheck disable=SC2016 # by the inner shell
	run -1 bash -c 'trap "" XFSZ; ulimit -f 0; exec "$@" 2>&1 | cat; exit "${PIPESTATUS[0]}"' bash \
		"$kexec" -e --kho-dry-run --kho-report=link
	[[ $output == *"cannot write the report: "*"Removed the report of an earlier run."* ]]
	[ -L link ]
	[ ! -e report ]
}

@test "a UKI is not loaded without its initrd if there is no room for it, and leaves no file" {
	in_folder_with_libkho
	# what the probe looks at: magic numbers, protocol, loadflags, xloadflags
	head -c 100000 /dev/zero >kernel
	put() { printf %b "$2" | dd of=kernel bs=1 seek=$(($1)) conv=notrunc status=none; }
	put 0x1fe '\x55\xaa'
	put 0x202 'HdrS\x0f\x02'
	put 0x211 '\x01'
	put 0x236 '\x03'
	head -c 1000000 /dev/zero >initrd
	"$top/lab/kernel_image.py" uki uki kernel .initrd=initrd
	# kexec copies both to files in memory: a limit for files stands for full memory
	run ! bash -c 'trap "" XFSZ; ulimit -f 500; exec "$@"' bash "$(build ours 2.0.32)" -l -s --kho-dry-run uki
	[[ $output == *"can not create a file to hold .initrd section"* ]]
	# now with room
	touch before
	"$(build ours 2.0.32)" -l -s --kho-dry-run uki
	[ -z "$(find /tmp -maxdepth 1 -name '[KI]*' -newer before -size 1000000c -o -name 'K*' -newer before -size 100000c)" ]
}

@test "without an option of KHO, output and status equal upstream's, byte for byte" {
	local kind
	in_folder_with_libkho
	head -c 100000 /dev/zero >junk
	mkdir stock ours
	cp "$(build stock 2.0.32)" stock/kexec
	for kind in ours off; do
		cp "$(build "$kind" 2.0.32)" ours/kexec
		# none of these can load or jump: the kernel file or the option does not exist
		same --help
		same --version
		same --no-such-option
		same -l
		same -l -s
		same -l -c
		same -l /no/such/file
		same -l -s /no/such/file
		same -l -c /no/such/file
		same -l junk
		same -l -s junk
		same -l -c junk
		same -l -c --type=no-such-type junk
		same -l --entry=junk junk
		same -l --mem-min=junk junk
		same -e --reuse-cmdline
		same --load-live-update junk
		same --load-preserve-context junk
	done
}
