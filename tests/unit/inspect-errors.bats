#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Unreadable input and misuse: one line with cause and remedy, status 2.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	fixture=$fixtures/v4-outgoing.khosnap
	root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/proc"
}

# cannot_tell PATTERN ARGUMENT...
cannot_tell() {
	local pattern=$1
	shift
	run -2 --separate-stderr "$inspect" "$@"
	[ -z "$output" ]
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr != *$'\n'* ]]
	if [[ ! $stderr =~ $pattern ]]; then
		echo "said: $stderr"
		return 1
	fi
}

# Makes a running kernel of files: kcore is a snapshot, which has the same form.
live_root() {
	local note=$BATS_TEST_TMPDIR/notes kho=$root/sys/kernel/debug/kho/out
	mkdir -p "$kho" "$root/sys/kernel/debug/kho/in"
	cp "$fixture" "$root/proc/kcore"
	grep -aoE '(fdt_phys|scratch)=0x[0-9a-f]+(\+0x[0-9a-f]+)?' "$fixture" >"$note"
	sed -n 's/^fdt_phys=//p' "$note" >"$kho/fdt_phys"
	sed -n 's/^scratch=\(.*\)+.*/\1/p' "$note" >"$kho/scratch_phys"
	sed -n 's/^scratch=.*+//p' "$note" >"$kho/scratch_len"
	cp "$kho/fdt_phys" "$root/sys/kernel/debug/kho/in/"
}

@test "debugfs is not mounted" {
	cannot_tell 'debugfs is not mounted at .*\. Run: mount -t debugfs' list --sysroot "$root"
}

@test "KHO is off, or the kernel does not show it although it is on" {
	mkdir -p "$root/sys/kernel/debug"
	cannot_tell 'KHO is off.*kho=on' show --sysroot "$root"
	echo 'quiet kho=on' >"$root/proc/cmdline"
	cannot_tell 'this kernel does not show KHO, although .*CONFIG_KEXEC_HANDOVER_DEBUGFS' show --sysroot "$root"
}

@test "KHO is off in a crash kernel" {
	mkdir -p "$root/sys/kernel/debug"
	echo 'kho=on elfcorehdr=0x1000000' >"$root/proc/cmdline"
	cannot_tell 'KHO is off .* elfcorehdr= is on its command line: .*\. Boot without elfcorehdr=' show --sysroot "$root"
}

@test "no kcore, or one that is not an ELF core" {
	mkdir -p "$root/sys/kernel/debug/kho/out"
	cannot_tell 'there is no .*/proc/kcore\. .*CONFIG_PROC_KCORE' list --sysroot "$root"
	head -c 5000 /dev/zero >"$root/proc/kcore"
	cannot_tell 'is not an ELF core' list --sysroot "$root"
}

@test "if a kernel does not show its outgoing FDT, or truncates it, kho-inspect scans RAM" {
	live_root
	rm "$root/sys/kernel/debug/kho/out/fdt_phys"
	run -0 "$inspect" show --sysroot "$root"
	[[ $output == *"found by a scan of RAM"* ]]
	# magic, and a totalsize beyond the end
	printf '\xd0\x0d\xfe\xed\x00\x00\x04\x00%0100d' 0 >"$root/sys/kernel/debug/kho/out/fdt"
	run -0 "$inspect" show --sysroot "$root"
	[[ $output == *"found by a scan of RAM"* ]]
	diff <("$inspect" list --sysroot "$root") <("$inspect" list --core "$fixture")

	# an incoming root does not preserve itself, so nothing proves that it is a root
	cp "$fixtures/v4-incoming-claimed.khosnap" "$root/proc/kcore"
	cannot_tell 'no page of RAM proves to be the root.*CONFIG_KALLSYMS_ALL' list --sysroot "$root"
	cannot_tell 'no page of RAM proves' verify --sysroot "$root"
}

@test "a live system made of files reads like its snapshot" {
	live_root
	diff <("$inspect" list --sysroot "$root") <("$inspect" list --core "$fixture")
	diff <("$inspect" ranges --sysroot "$root") <("$inspect" ranges --core "$fixture")
	run -0 "$inspect" show --sysroot "$root"
	[[ $output == *"found by debugfs fdt_phys"* ]]
}

@test "debugfs files that do not hold numbers" {
	live_root
	echo nonsense >"$root/sys/kernel/debug/kho/out/fdt_phys"
	run "$inspect" list --sysroot "$root"
	[ "$status" = 2 ]
	[[ $output == *'cannot understand "nonsense"'* ]]
	live_root
	echo 0x1000 >>"$root/sys/kernel/debug/kho/out/scratch_len"
	run -2 "$inspect" list --sysroot "$root"
	[[ $output == *"addresses and"*"sizes of scratch areas"* ]]
}

@test "no permission" {
	local mortal=()
	live_root
	chmod 000 "$root/sys/kernel/debug"
	# root without capabilities is like any other user, and can still run the program
	((EUID)) || mortal=(setpriv --bounding-set=-all --inh-caps=-all)
	run -2 "${mortal[@]}" "$inspect" list --sysroot "$root"
	chmod 755 "$root/sys/kernel/debug"
	[[ $output == *"Permission denied. Run it as root"* ]]
}

@test "misuse: one line with a hint" {
	cannot_tell 'no command.*--help'
	cannot_tell 'no such command: frobnicate.*--help' frobnicate
	cannot_tell 'unknown or incomplete option: --frobnicate.*--help' list --frobnicate
	cannot_tell '--core is there twice: leave one of them out' list --core "$fixture" --core "$fixture"
	cannot_tell '--output is there twice' snapshot -o "$BATS_TEST_TMPDIR/no" --core "$fixture" -o -
	cannot_tell '--expect is there twice' verify --expect=5,1 --expect=5,2 --core "$fixture"
	# lists get longer
	run -0 "$inspect" verify --json --json --skip-content --ignore=K201 --ignore=K202 --core "$fixture"
	cannot_tell 'too many arguments: more.*--help' list more
	cannot_tell '--only takes RULE.*: K999' verify --only=K999
	cannot_tell '--only takes RULE' verify --only=
	cannot_tell '--fail-on takes info|warning|error|fatal: perhaps' verify --fail-on=perhaps
	cannot_tell '--expect takes COUNT,GENERATION: 5' verify --expect=5
	cannot_tell '--expect takes COUNT,GENERATION' verify --expect=-1,5
	cannot_tell '--v1-bitmap takes 512|page' ranges --v1-bitmap=4096
	cannot_tell 'snapshot needs -o' snapshot --core "$fixture"
	cannot_tell 'check-target needs IMAGE' check-target --core "$fixture"
	cannot_tell 'diff needs BEFORE' diff
	cannot_tell 'extract needs ID' extract -o "$BATS_TEST_TMPDIR/content"
	cannot_tell 'needs the id of an allocation, not "one"' extract one -o "$BATS_TEST_TMPDIR/content"
	cannot_tell 'is neither a bzImage nor an ELF kernel' check-target "$fixture.none" --core "$fixture" ||
		cannot_tell 'cannot open' check-target "$fixture.none" --core "$fixture"
	# control characters of an argument do not reach the terminal
	cannot_tell 'no such command: \\x9b\\xff\\x0a' $'\x9b\xff\n'
}

@test "every command refuses an option that does not apply" {
	run -0 "$KHO_BUILDDIR/tests/unit/test-options"
	[ -z "$output" ]
	cannot_tell 'list has no option --output' list -o "$BATS_TEST_TMPDIR/no"
	cannot_tell 'check-target has no option --in' check-target --in kernel
	cannot_tell '--core is about a file, and --sysroot' list --core "$fixture" --sysroot "$root"
	cannot_tell 'two formats' verify --json --prometheus --core "$fixture"
	cannot_tell 'two forms of the map' map --json -o "$BATS_TEST_TMPDIR/no" --core "$fixture"
	cannot_tell 'name it' scratch --initrd="$fixture" --core "$fixture"
	cannot_tell 'is the second state, and so is' diff "$fixture" "$fixture" --core "$fixture"
	[ ! -e "$BATS_TEST_TMPDIR/no" ]
}

@test "kho-inspect refuses an option that has no effect on the input" {
	local in=$fixtures/v4-incoming-claimed.khosnap command
	local v1=$fixtures/v1
	make_kernel "$BATS_TEST_TMPDIR/kernel"
	for command in show list tree ranges scratch verify map "diff $in" "check-target $BATS_TEST_TMPDIR/kernel"; do
		# shellcheck disable=SC2086 # a command and its argument
		cannot_tell 'A snapshot says itself where the root FDT is. Leave --vmlinux out' $command --vmlinux=/none --core "$fixture"
	done
	for command in show ranges verify map; do
		cannot_tell 'outgoing map of kho-v1, and this is the outgoing state of "kho-v4"' "$command" --v1-bitmap=page --core "$fixture"
		cannot_tell 'and this is the incoming state of "kho-v1"' "$command" --in --v1-bitmap=page --core "$v1-incoming.khosnap"
	done
	cannot_tell 'outgoing map of kho-v1' snapshot --v1-bitmap=page --core "$fixture" -o "$BATS_TEST_TMPDIR/no"
	cannot_tell 'outgoing map of kho-v1' diff --v1-bitmap=page "$in" "$fixture"
	run -1 "$inspect" diff --v1-bitmap=page "$v1-outgoing.khosnap" "$fixture"
	cannot_tell 'A snapshot holds one side. Leave --in out' diff --in "$in" "$fixture"
	cannot_tell 'are files: leave it out' diff --sysroot=/ "$in" "$fixture"
	cannot_tell 'check-target has no option --v1-bitmap' check-target --v1-bitmap=page "$BATS_TEST_TMPDIR/kernel"
	cannot_tell 'always has sizes in bytes' list --json --bytes --core "$fixture"
	cannot_tell 'never has colours' verify --json --no-color --core "$fixture"
	cannot_tell 'never has colours' verify --prometheus --no-color --core "$fixture"
	cannot_tell '-o is a picture' map --no-color -o "$BATS_TEST_TMPDIR/no" --core "$fixture"
	cannot_tell 'the selected rules lack K413' verify --skip-content --ignore=K101,K413 --core "$fixture"
	cannot_tell 'the selected rules lack K413' verify --skip-content --only=K101 --core "$fixture"
	[ ! -e "$BATS_TEST_TMPDIR/no" ]
	# an unset variable
	cannot_tell '--core takes FILE: not an empty string' show --core=
	cannot_tell '--vmlinux takes FILE: not an empty string' show --vmlinux=
	cannot_tell '--sysroot takes DIR: not an empty string' show --sysroot=
	cannot_tell 'check-target takes IMAGE: not an empty string' check-target --core "$fixture" ""
	cannot_tell 'diff takes BEFORE \[AFTER\]: not an empty string' diff "$fixture" ""
	cannot_tell 'extract takes ID: not an empty string' extract "" --core "$fixture" -o "$BATS_TEST_TMPDIR/no"
	cannot_tell '--output takes FILE: not an empty string' snapshot --core "$fixture" -o ""
}

@test "the message about a core of another kind says what the core is" {
	cd "$BATS_TEST_TMPDIR"
	/usr/bin/python3 - <<-'END'
		import struct
		def core(name, machine, *segments):
		    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, machine, 1, 0,
		                       64 if segments else 0, 0, 0, 64, 56, len(segments), 0, 0, 0)
		    headers = b"".join(struct.pack("<IIQQQQQQ", 1, 4, 4096, vaddr, paddr, 4096, 4096, 4096)
		                       for vaddr, paddr in segments)
		    open(name, "wb").write((head + headers).ljust(8192, b"\0"))
		core("process", 62, (0x400000, 0), (0x7fff00000000, 0))
		core("riscv", 243, (0x400000, 0x400000))
		core("xen", 62)
		core("kernel", 62, (0xffff888000000000, 0), (0xffff888000001000, 4096))
	END
	cannot_tell 'process is the core of a process, not of a kernel.*Use a vmcore' list --core process
	cannot_tell 'riscv is the core of a machine \(ELF number 243\) that has no KHO.*Use a dump' list --core riscv
	cannot_tell 'xen has 0 program headers, like a dump of Xen.*Use a vmcore' list --core xen
	cannot_tell 'kernel.*KHO' list --core kernel
	: >empty
	cannot_tell 'empty is not a dump that can be read: it is empty\. Take the dump again' list --core empty
}

@test "kho-inspect refuses a pipe as a dump, and does not wait for it" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	for command in "show --core" diff "scratch --core $fixture" check-target; do
		# shellcheck disable=SC2086 # a command and its option
		run -2 timeout 10 "$inspect" $command "$BATS_TEST_TMPDIR/pipe"
		[[ $output == *"is a pipe, and libkho must seek in a dump"* || $output == *"is not a file of the size of a kernel"* ]]
	done
}

@test "a long path does not push the cause out of a message" {
	local folder=$BATS_TEST_TMPDIR name
	# a longer one with each name: of characters of one and two bytes, and of bytes that are none
	for name in $(printf 'f%0150d ' 1 2) $(printf '\xc3\xa9%.0s' {1..110}) $(printf '\x9b%.0s' {1..100}); do
		folder+=/$name
		mkdir "$folder"
		cannot_tell '^kho-inspect: cannot open /.*/none: No such file or directory\.$' show --core "$folder/none"
		gzip <"$fixture" >"$folder/file"
		cannot_tell '^kho-inspect: /.* it is compressed with gzip\. Unpack it first\.$' show --core "$folder/file"
		iconv -f utf-8 -t utf-8 <<<"$stderr" >"$BATS_TEST_TMPDIR/text"
	done
}

@test "-o does not replace the dump that is read, whatever its name is" {
	local dump=$BATS_TEST_TMPDIR/dump name
	cp "$fixture" "$dump"
	ln -s dump "$BATS_TEST_TMPDIR/link"
	for name in "$dump" "$BATS_TEST_TMPDIR/link" "$BATS_TEST_TMPDIR/../${BATS_TEST_TMPDIR##*/}/dump"; do
		cannot_tell 'would replace a file that is read' extract 2 --core "$dump" -o "$name"
		cannot_tell 'would replace a file that is read' map --core "$name" -o "$dump"
		cannot_tell 'would replace a file that is read' snapshot --core "$name" -o "$dump"
	done
	cmp "$fixture" "$dump"
}

@test "-o does not replace a file below --sysroot that may be read" {
	local file
	mkdir -p "$root/proc" "$root/sys/kernel" "$root/tmp"
	echo read >"$root/proc/iomem"
	echo read >"$root/sys/kernel/fdt"
	ln -s ../sys/kernel/fdt "$root/tmp/link"
	for file in proc/iomem sys/kernel/fdt proc/../sys/kernel/fdt sys/new tmp/link; do
		cannot_tell 'would replace a file that is read' map --sysroot "$root" -o "$root/$file"
	done
	cannot_tell 'debugfs|KHO|kho' map --sysroot "$root" -o "$root/tmp/new"
	[ "$(cat "$root/proc/iomem" "$root/sys/kernel/fdt")" = $'read\nread' ]
}

@test "boot-check does not remove what it is to read" {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir dir
	echo "clean" >dir/status
	cp "$fixture" dir/snapshot.khosnap
	ln -s dir/status link
	: >cmdline
	cannot_tell 'is in dir, where' boot-check --dir=dir --sysroot=. --cmdline=cmdline --core=dir/snapshot.khosnap
	cannot_tell 'is in dir, where' boot-check --dir=dir --sysroot=. --cmdline=link
	[ "$(cat dir/status)" = clean ]
	cmp "$fixture" dir/snapshot.khosnap
}

@test "-o - needs no /dev/stdout, which an initramfs may lack" {
	local -a user=(--map-root-user)
	# root needs no user namespace, and the kernel refuses one in a chroot
	((EUID)) || user=()
	# shellcheck disable=SC2016 # the other shell expands it
	run -0 --separate-stderr unshare "${user[@]}" --mount sh -c 'mount -t tmpfs none /dev && "$0" map --core "$1" -o - >"$2" && ls -A /dev' \
		"$inspect" "$fixture" "$BATS_TEST_TMPDIR/picture"
	[ -z "$output" ]
	grep -q '^<svg' "$BATS_TEST_TMPDIR/picture"
}

@test "-o - writes to the standard output, and the message says if its reader has closed it" {
	"$inspect" snapshot --core "$fixture" -o - 2>"$BATS_TEST_TMPDIR/said" >"$BATS_TEST_TMPDIR/out"
	"$inspect" snapshot --core "$fixture" -o "$BATS_TEST_TMPDIR/file"
	cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/file"
	grep -q 'metadata of the outgoing state' "$BATS_TEST_TMPDIR/said"
	cannot_tell 'cannot both go to the standard output' snapshot --json --core "$fixture" -o -
	/usr/bin/python3 - "$inspect" "$fixture" <<-'END'
		import os, signal, subprocess, sys
		inspect, fixture = sys.argv[1:]
		for action in signal.SIG_DFL, signal.SIG_IGN:
		    for command in ["snapshot", "-o", "-"], ["map", "-o", "-"], ["list"]:
		        if action == signal.SIG_DFL and command == ["list"]:
		            continue  # the signal ends it, like cat
		        reader, writer = os.pipe()
		        os.close(reader)
		        done = subprocess.run([inspect, *command, "--core", fixture], stdout=writer, stderr=subprocess.PIPE,
		                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, action))
		        os.close(writer)
		        assert done.returncode == 2 and b"Broken pipe" in done.stderr, (command, action, done)
	END
}

@test "a state is not clean if no selected rule can run" {
	cannot_tell 'K601 cannot be judged here' verify --only=K601 --core "$fixture"
	cannot_tell 'K602 cannot be judged here' verify --only=K101,K602 --core "$fixture"
	cannot_tell 'claims is about an incoming state' verify --claims --core "$fixture"
	cannot_tell 'expect is about an incoming state' verify --expect=5,9 --core "$fixture"
	live_root
	cannot_tell 'expect is about an incoming state' verify --expect=5,9 --sysroot "$root"
	local incoming=$fixtures/v4-incoming-claimed.khosnap rules
	for rules in --ignore=K501,K101 --only=K401; do
		cannot_tell 'the selected rules lack K501' verify --claims "$rules" --core "$incoming"
	done
	for rules in --ignore=K510,K511,K512 --only=K401; do
		cannot_tell 'the selected rules lack K510, K511 and K512' verify --expect=5,9 "$rules" --core "$incoming"
	done
}

@test "kho-inspect opens a snapshot on the side that it contains" {
	local incoming=$fixtures/v4-incoming-claimed.khosnap command
	for command in show list tree scratch verify; do
		diff <("$inspect" "$command" --core "$incoming") <("$inspect" "$command" --in --core "$incoming")
	done
	"$inspect" verify --claims --prometheus --core "$incoming" | grep -q 'kho_verify_ok{side="incoming"} 1'
	cannot_tell 'holds the other side' show --in --core "$fixture"
	# check-target compares outgoing state, not incoming state
	make_kernel "$BATS_TEST_TMPDIR/kernel"
	cannot_tell 'holds an incoming state.*Use a snapshot that was taken without --in' check-target --core "$incoming" "$BATS_TEST_TMPDIR/kernel"
}

make_kernel() {
	printf 'const char a[] = "Linux version 9.9.9", b[] = "kho-v4", c[] = "luo-v5", d[] = "dma-alloc-v1";\n' |
		"${CC:-gcc}" -x c -c -o "$1" -
}

@test "check-target counts only the rules that it judged" {
	make_kernel "$BATS_TEST_TMPDIR/kernel"
	run "$inspect" check-target --core "$fixture" "$BATS_TEST_TMPDIR/kernel"
	[[ $output == *"9.9.9: KHO built in"* ]]
	[[ $output != *" records, "* && $output != *" 0 B"* ]]
	[[ $output == *"does not say how much memory it needs"* ]]
	"$inspect" check-target --json --core "$fixture" "$BATS_TEST_TMPDIR/kernel" >"$BATS_TEST_TMPDIR/json" || [ $? = 1 ]
	[ "$(jq -c '[.summary.records, .summary.preservations, .target.memory_size, .target.release]' "$BATS_TEST_TMPDIR/json")" = \
		'[null,null,null,"9.9.9"]' ]
}

@test "check-target without a state describes the image" {
	make_kernel "$BATS_TEST_TMPDIR/kernel"
	# debugfs exists, and KHO does not
	mkdir -p "$root/sys/kernel/debug"
	run -0 "$inspect" check-target --sysroot "$root" "$BATS_TEST_TMPDIR/kernel"
	[[ $output == *"9.9.9: KHO built in"*"There is no state to compare with: KHO is off"* ]]
	[ "$("$inspect" check-target --json --sysroot "$root" "$BATS_TEST_TMPDIR/kernel" |
		jq -c '[.target.root, .state, .findings, .summary]')" = '["kho-v4",null,null,null]' ]
	# without debugfs there may be a state: check-target says so, and does not succeed
	rmdir "$root/sys/kernel/debug"
	run -2 --separate-stderr "$inspect" check-target --sysroot "$root" "$BATS_TEST_TMPDIR/kernel"
	[[ $output == *"9.9.9: KHO built in"*"There is no state to compare with: debugfs is not mounted"* ]]
	[[ $stderr == *"mount -t debugfs"* ]]

	# then the kernel's configuration and its command line decide
	check() {
		run "-$1" "$inspect" check-target --sysroot "$root" "$BATS_TEST_TMPDIR/kernel"
		[[ $output == *"There is no state to compare with: $2"* ]]
	}
	mkdir -p "$root/proc/sys/kernel" "$root/boot"
	printf 'ffffffff81000000 T _stext\n' >"$root/proc/kallsyms"
	check 0 "KHO is off in this kernel, or not built in"
	printf '0000000000000000 T kho_is_enabled\n' >>"$root/proc/kallsyms"
	check 2 "debugfs is not mounted"
	echo "kho=off" >"$root/proc/cmdline"
	check 0 "KHO is off"
	: >"$root/proc/kallsyms"
	echo 9.9.9 >"$root/proc/sys/kernel/osrelease"
	printf '#\nCONFIG_KEXEC_HANDOVER=y\nCONFIG_KEXEC_HANDOVER_ENABLE_DEFAULT=y\n' >"$root/boot/config-9.9.9"
	check 0 "KHO is off"
	echo quiet >"$root/proc/cmdline"
	check 2 "debugfs is not mounted"
	printf '#\n# CONFIG_KEXEC_HANDOVER is not set\n' | gzip >"$root/proc/config.gz"
	check 0 "KHO is off"
	echo "kho=on" >"$root/proc/cmdline"
	check 0 "KHO is off in this kernel, or not built in"
	# KHO is on, and debugfs does not show it
	printf '#\nCONFIG_KEXEC_HANDOVER=y\n' | gzip >"$root/proc/config.gz"
	mkdir "$root/sys/kernel/debug"
	check 2 "this kernel does not show KHO"
}

@test "kho-inspect refuses a selected rule that it cannot judge, and never calls it clean" {
	cannot_tell 'K601 cannot be judged here: it is not about this kind of input' verify --only=K601 --core "$fixture"
	cannot_tell 'K701 cannot be judged here' verify --only=K101,K701 --core "$fixture"
	cannot_tell 'K501 cannot be judged here: the check of claims is off' verify --only=K501 --core "$fixture"
	cannot_tell 'K511 cannot be judged here: no expected state was given' verify --only=K511 --core "$fixture"
	cannot_tell 'K101 cannot be judged here: it is also ignored' verify --only=K101 --ignore=K101 --core "$fixture"
	cannot_tell 'the selection contains no rule that can be judged' verify --core "$fixture" \
		--ignore="$(sed -nE 's/^KHO_RULE\(([0-5][0-9]+),.*/K\1/p' "$top/libkho/kho_rules.def" | paste -sd,)"
	run -0 "$inspect" verify --only=K401,K511 --expect=5,9 --core "${fixture%outgoing*}incoming-claimed.khosnap"
	# the reason is the true one
	local incoming=${fixture%outgoing*}incoming-claimed.khosnap
	cannot_tell 'K520 cannot be judged here: it is about devices of the running kernel, and this is a file' \
		verify --only=K520 --core "$fixture"
	cannot_tell 'K522 .*: it is about devices of the running kernel, and this is a file' verify --only=K522 --core "$incoming"
	cannot_tell 'K502 .*: it is about an incoming state' verify --only=K502 --core "$fixture"
	cannot_tell 'K105 .*: the kernel frees the incoming preserved-memory-map' verify --only=K105 --core "$incoming"
	LC_ALL=C sed 's/^scratch=/sCratch=/' "$fixture" >"$BATS_TEST_TMPDIR/without"
	cannot_tell 'K203 .*: this file does not say where the scratch areas are' verify --only=K203 --core "$BATS_TEST_TMPDIR/without"
	"$damage" record-crc "$fixture" "$BATS_TEST_TMPDIR/damaged"
	cannot_tell 'K406 .*: libkho cannot read all of its data' verify --only=K406 --core "$BATS_TEST_TMPDIR/damaged"
	live_root
	cannot_tell 'K522 .*: it is about an incoming state' verify --only=K522 --sysroot "$root"
	# a check that was not made does not pass, in any form of the output
	run -1 "$inspect" verify --core "$fixture"
	[[ ${lines[-2]} == "error    K413  not judged: this file does not hold the content of 3 sealed allocation(s)" ]]
	[[ ${lines[-1]} == "0 fatal, 0 errors, 0 warnings, 1 not judged; "* ]]
	run -1 "$inspect" verify --only=K413 --json --core "$fixture"
	[ "$(jq -c '[.findings[0].outcome, .summary.unevaluated, .summary.status]' <<<"$output")" = '["not-judged",1,1]' ]
	run -0 "$inspect" verify --skip-content --core "$fixture"
	[[ $output == "clean: "*" 0 not judged; "* ]]
	cannot_tell '--only takes RULE' verify --only=K101 --only=,
	cannot_tell 'K605 cannot be judged here: it is not about this kind of input' verify --ignore=K605 --core "$fixture"
	# all rules that need neither a promise nor claims
	cannot_tell 'the selection contains no rule that can be judged' verify --core "$fixture" \
		--ignore="$(sed -nE '/K?\((501|51.),/d; s/^KHO_RULE\(([0-5][0-9]+),.*/K\1/p' "$top/libkho/kho_rules.def" | paste -sd,)"
	# no incoming state: kho-inspect can judge only that
	rm -r "$root/sys/kernel/debug/kho/in"
	cannot_tell 'No rule that --only names can be judged' verify --in --only=K101 --sysroot "$root"
	cannot_tell 'K101 cannot be judged here: there is no incoming state' verify --in --only=K101 --expect=5,9 --sysroot "$root"
	cannot_tell 'the selection contains no rule that can be judged' verify --in --ignore=K510 --expect=5,9 --sysroot "$root"
	run -1 "$inspect" verify --in --only=K510 --expect=5,9 --sysroot "$root"
}

@test "a number that was not counted is unknown, and a rule that does not apply is not a finding" {
	local incoming=$fixtures/v4-incoming-claimed.khosnap
	run -0 "$inspect" verify --fail-on=info --core "$incoming"
	[[ ${lines[-1]} == "clean: 0 fatal, 0 errors, 0 warnings, 0 not judged; 5 records, an unknown number of preservations" ]]
	# a finding of severity info
	run -0 "$inspect" verify --expect=6,1 --core "$incoming"
	[[ ${lines[-1]} == "clean: 0 fatal"* ]]
	run -1 "$inspect" verify --expect=6,1 --fail-on=info --core "$incoming"
	[[ ${lines[-1]} == "0 fatal"* ]]
	run -0 "$inspect" verify --json --core "$incoming"
	[ "$(jq -c '[.summary.records, .summary.preservations, .summary.info, .summary.unevaluated, .summary.not_applicable]' <<<"$output")" = \
		'[5,null,0,0,2]' ]
	[ "$(jq -c '[.findings[].outcome] | unique' <<<"$output")" = '["not-applicable"]' ]
	# a broken chain, a broken map, and a damaged record
	summary() {
		"$KHO_BUILDDIR/lab/kho-damage" "$1" "$fixture" "$BATS_TEST_TMPDIR/damaged"
		run -1 "$inspect" verify --json --core "$BATS_TEST_TMPDIR/damaged"
		jq -c '[.summary.records, .summary.pages, .summary.preservations]' <<<"$output"
	}
	[ "$(summary chain-loop)" = '[null,null,10]' ]
	[ "$(summary tree-loop | jq -c '.[2]')" = null ]
	[ "$(summary record-crc)" = '[5,null,10]' ]
	[ "$(summary head-compatible)" = '[null,null,10]' ]
	# in the picture an unknown size is not 0 B
	run -0 "$inspect" map --core "$incoming"
	[[ $output == *"p preserved, other   unknown"* && $output == *"o memory of subtrees unknown"* && $output == *"m KHO metadata       at least "* ]]
	[ "$("$inspect" map --json --core "$incoming" | jq -c .incomplete)" = '["preserved","subtree","metadata"]' ]
	[ "$("$inspect" map --json --core "$fixture" | jq -c .incomplete)" = '[]' ]
	"$inspect" map --core "$incoming" -o - | grep -q 'preserved, other, unknown</text>'
	"$KHO_BUILDDIR/lab/kho-damage" record-crc "$fixture" "$BATS_TEST_TMPDIR/record"
	run -0 "$inspect" show --core "$BATS_TEST_TMPDIR/record"
	[[ $output == *" 5 allocations (1 damaged), "*" 3 sealed, "* ]]
	# metrics omit unknown numbers
	run -1 "$inspect" verify --prometheus --core "$BATS_TEST_TMPDIR/damaged"
	[[ $output == *kho_verify_ok* && $output != *kho_dma_records* ]]
}

@test "a message names the file that it is about, also of two" {
	cd "$BATS_TEST_TMPDIR"
	"$damage" tree-loop "$fixture" looped
	"$damage" chain-loop "$fixture" broken
	cannot_tell '^kho-inspect: looped: .*node at two places' diff "$fixture" looped
	cannot_tell '^kho-inspect: looped: .*node at two places' diff looped "$fixture"
	cannot_tell '^kho-inspect: broken: .*the chain comes back' diff "$fixture" broken
	cannot_tell '^kho-inspect: cannot open none: ' diff "$fixture" none
	# no room, in the middle of the file
	trap '' XFSZ
	ulimit -f 8
	cannot_tell 'cannot write new: File too large' snapshot --core "$fixture" -o new
	[ ! -e new ]
}

@test "a full disk is an error, for text and for JSON" {
	to_full_disk() { "$inspect" "$@" >/dev/full; }
	run -2 to_full_disk list --core "$fixture"
	[[ $output == *"No space left"* ]]
	run -2 to_full_disk list --json --core "$fixture"
	run -2 "$inspect" map --core "$fixture" -o /dev/full
}

@test "a closed output is an error, and output does not go to another file instead" {
	"$inspect" snapshot --core "$fixture" -o "$BATS_TEST_TMPDIR/open"
	closed() { "$inspect" "$@" >&-; }
	run -2 closed list --core "$fixture"
	[[ $output == *"cannot write the output"* ]]
	run -2 closed snapshot --core "$fixture" -o "$BATS_TEST_TMPDIR/closed"
	cmp "$BATS_TEST_TMPDIR/open" "$BATS_TEST_TMPDIR/closed"
}

@test "the picture is as wide as COLUMNS says" {
	local width lines
	for width in 30 40 80 200; do
		COLUMNS=$width "$inspect" map --core "$fixture" >"$BATS_TEST_TMPDIR/picture"
		lines=$(grep -E '^ +0x| +0 ' "$BATS_TEST_TMPDIR/picture" | awk '{ print length }' | sort -un | tail -n 1)
		[ "$lines" = $((width - 1)) ]
	done
}

@test "JSON documents match the schema, for every fixture and damage" {
	local command file side
	mkdir "$BATS_TEST_TMPDIR/documents"
	for file in "$fixtures"/*.khosnap; do
		[[ $file == *incoming* ]] && side=--in || side=
		for command in show list tree scratch verify map; do
			# shellcheck disable=SC2086 # an empty $side is not an argument
			"$inspect" "$command" --json $side --core "$file" >"$BATS_TEST_TMPDIR/documents/$command-${file##*/}" || [ $? = 1 ]
		done
	done
	"$inspect" ranges --json --core "$fixture" >"$BATS_TEST_TMPDIR/documents/ranges"
	"$inspect" snapshot --json --core "$fixture" -o "$BATS_TEST_TMPDIR/again" >"$BATS_TEST_TMPDIR/documents/snapshot"
	for name in fdt-magic record-crc tree-loop; do
		"$damage" "$name" "$fixture" "$BATS_TEST_TMPDIR/damaged"
		run -1 "$inspect" verify --json --core "$BATS_TEST_TMPDIR/damaged"
		printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/documents/damaged-$name"
	done
	/usr/bin/python3 - "$top/tools/kho-inspect/kho-inspect.schema.json" "$BATS_TEST_TMPDIR"/documents/* <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		jsonschema.Draft7Validator.check_schema(schema)
		for path in sys.argv[2:]:
		    jsonschema.validate(json.load(open(path)), schema)
		assert len(sys.argv) > 20
	END
}

@test "the JSON document of every command in --help matches the schema" {
	local command arguments
	mkdir "$BATS_TEST_TMPDIR/each"
	make_kernel "$BATS_TEST_TMPDIR/kernel"
	# a state with sealed content in the file
	"$KHO_BUILDDIR/lab/kho-damage" record-sealed "$fixture" "$BATS_TEST_TMPDIR/sealed"
	for command in $("$inspect" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
		case $command in
		snapshot) arguments=(-o "$BATS_TEST_TMPDIR/written") ;;
		extract) arguments=(2 -o "$BATS_TEST_TMPDIR/content") ;;
		diff) arguments=("$fixture") ;;
		check-target) arguments=("$BATS_TEST_TMPDIR/kernel") ;;
		boot-*) continue ;; # their output is that of verify
		*) arguments=() ;;
		esac
		"$inspect" "$command" --json --core "$BATS_TEST_TMPDIR/sealed" "${arguments[@]}" \
			>"$BATS_TEST_TMPDIR/each/$command" || [ $? = 1 ]
		[ "$(jq -r .kho_inspect.command "$BATS_TEST_TMPDIR/each/$command")" = "$command" ]
	done
	/usr/bin/python3 - "$top/tools/kho-inspect/kho-inspect.schema.json" "$BATS_TEST_TMPDIR"/each/* <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		for path in sys.argv[2:]:
		    jsonschema.validate(json.load(open(path)), schema)
		assert len(sys.argv) > 12, sys.argv
	END
}

# A document with each of these failures, in one form.
@test "every command that fails with --json prints one document, with null or the error" {
	local command
	cd "$BATS_TEST_TMPDIR"
	: >empty
	"$damage" chain-loop "$fixture" broken
	"$damage" tree-loop "$fixture" looped
	LC_ALL=C sed 's/^scratch=/sCratch=/' "$fixture" >without
	/usr/bin/python3 - "$inspect" "$fixture" "$top/tools/kho-inspect/kho-inspect.schema.json" <<-'END'
		import json, subprocess, sys, jsonschema
		inspect, fixture, schema = sys.argv[1:]
		schema = json.load(open(schema))
		validator = jsonschema.validators.validator_for(schema)(schema)
		begun = ["list --core broken", "ranges --core looped", f"diff {fixture} looped"]
		none = [f"{c} --core empty" for c in ("show", "list", "tree", "ranges", "scratch", "verify", "map",
		                                      "snapshot -o new", "extract 1 -o new")]
		none += [f"extract 99 -o new --core {fixture}", f"extract 2 -o new --core {fixture}",
		         f"extract 1 -o none/new --core {fixture}", f"snapshot -o none/new --core {fixture}",
		         f"snapshot --with-content=99 -o new --core {fixture}", "diff empty", f"diff {fixture} empty", f"diff {fixture} broken",
		         f"check-target none --core {fixture}", "check-target empty --core empty",
		         f"scratch none --core {fixture}", "scratch --core without", "show --core a\x1b\x9bb",
		         f"verify --only=K520 --core {fixture}", f"show --v1-bitmap=512 --core {fixture}"]
		for line in begun + none:
		    done = subprocess.run([inspect, *line.split(), "--json"], capture_output=True)
		    said = done.stderr.decode()
		    assert done.returncode == 2 and said.count("\n") == 1, (line, done)
		    document = json.loads(done.stdout)
		    validator.validate(document)
		    assert document["kho_inspect"]["command"] == line.split()[0], (line, document)
		    assert (len(document) < 4) == (line in none), (line, document)
		    assert said == f"kho-inspect: {document['error']}\n", (line, said, document)
		# wrong usage
		for line in f"show --prometheus --core {fixture}", "extract", f"snapshot -o - --core {fixture}":
		    done = subprocess.run([inspect, *line.split(), "--json"], capture_output=True)
		    assert done.returncode == 2 and not done.stdout, (line, done)
	END
	[ ! -e new ]
	# what was not read is not "none"
	"$damage" head-compatible "$fixture" unknown
	"$damage" record-huge "$fixture" huge
	run -2 --separate-stderr "$inspect" list --core unknown
	[ "$output" = "An unknown number of outgoing DMA allocations." ]
	run -2 --separate-stderr "$inspect" list --core broken
	[[ ${lines[-1]} == "at least 5 outgoing allocations, 336 KiB in 86 pages" ]]
	run -0 "$inspect" list --core huge
	[[ ${lines[-1]} == "at least 5 outgoing allocations, 336 KiB in 85 pages" ]]
	run -0 "$inspect" show --core huge
	[[ $output == *" 5 allocations, at least 336 KiB, "* ]]
	[ "$("$inspect" show --json --core huge | jq .dma.bytes)" = null ]
	# the subtree of the records has no size: they are not "none" either
	"$damage" dma-no-size "$fixture" sizeless
	run -2 --separate-stderr "$inspect" list --core sizeless
	[ "$output" = "An unknown number of outgoing DMA allocations." ]
	[[ $stderr == *'subtree "dma-alloc" has no address or size, so there may be DMA records.' ]]
	for command in show tree; do
		run -0 "$inspect" "$command" --core sizeless
		[[ $output == *'1 without address or size of the blob, first "dma-alloc" (K004)'* ]]
	done
	[ "$("$inspect" show --json --core sizeless | jq .dma)" = null ]
}

@test "a table and its JSON document have the same data" {
	[ "$("$inspect" list --json --core "$fixture" | jq '.records | length')" = 5 ]
	[ "$("$inspect" list --json --core "$fixture" | jq '[.records[].size] | add')" = \
		"$("$inspect" list --bytes --core "$fixture" | awk '$2 ~ /^pci/ { s += $6 } END { print s }')" ]
}

@test "kho-inspect writes numbers and sizes like the C library" {
	"$KHO_BUILDDIR/tests/unit/test-format"
}

@test "metrics are in the format of node_exporter's textfile collector" {
	"$inspect" verify --skip-content --prometheus --core "$fixture" >"$BATS_TEST_TMPDIR/metrics"
	grep -qx 'kho_verify_ok{side="outgoing"} 1' "$BATS_TEST_TMPDIR/metrics"
	grep -qx 'kho_dma_records{side="outgoing"} 5' "$BATS_TEST_TMPDIR/metrics"
	run -1 grep -vE '^(# (HELP|TYPE) |[a-z_]+\{[^}]*\} [0-9]+$)' "$BATS_TEST_TMPDIR/metrics"
}

@test "the picture is well-formed SVG with title and description" {
	"$inspect" map --core "$fixture" -o "$BATS_TEST_TMPDIR/map.svg"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/map.svg" <<-'END'
		import sys, xml.dom.minidom
		svg = xml.dom.minidom.parse(sys.argv[1]).documentElement
		assert svg.tagName == "svg" and svg.getAttribute("viewBox")
		assert svg.getElementsByTagName("title") and svg.getElementsByTagName("desc")
		assert any("pci:" in t.firstChild.data for t in svg.getElementsByTagName("title"))
	END
}

@test "the picture names the owner of memory, also of subtrees, and has no empty box" {
	local stock=$fixtures/v4-stock-outgoing.khosnap
	"$inspect" map --json --core "$stock" >"$BATS_TEST_TMPDIR/map.json"
	[ "$(jq -c '.areas[] | select(.label == "memblock: pool reserve_mem") | [.kind, .addr, .size]' "$BATS_TEST_TMPDIR/map.json")" = \
		'["subtree","0x3eb00000",1048576]' ]
	# test_kho.max_mem= of the recording
	[ "$(jq '[.areas[] | select(.label != null and (.label | startswith("kho_test: "))) | .size] | add' "$BATS_TEST_TMPDIR/map.json")" = 262144 ]
	[ "$(jq '[.areas[] | select(.size == 0)] | length' "$BATS_TEST_TMPDIR/map.json")" = 0 ]
	"$inspect" map --core "$stock" -o "$BATS_TEST_TMPDIR/map.svg"
	grep -q '>memblock: pool reserve_mem</text>' "$BATS_TEST_TMPDIR/map.svg"
	run -0 "$inspect" map --core "$stock"
	[[ $output == *"o memory of subtrees 1.3 MiB"* ]]
}
