#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Output of kho-inspect: files, and text of any bytes.

# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
# shellcheck source=tests/unit/helpers.bash
. "$BATS_TEST_DIRNAME/helpers.bash"

setup() {
	outgoing=$fixtures/v4-outgoing.khosnap
	cd "$BATS_TEST_TMPDIR" || return 1
	"$KHO_BUILDDIR/lab/kho-damage" record-sealed "$outgoing" sound
}

# write_each TARGET: writes there with each command that has -o.
write_each() {
	"$inspect" snapshot --core sound -o "$1" &&
		"$inspect" extract 2 --core sound -o "$1" &&
		"$inspect" map --core sound -o "$1"
}

@test "output does not replace devices, FIFOs and links" {
	ln -s /dev/null null
	mknod own-null c 1 3 2>/dev/null || ln -s /dev/null own-null # not root
	ln -s file link
	mkfifo fifo
	write_each null
	[ -L null ]
	write_each own-null
	[ -c own-null ]
	write_each link
	[ -L link ]
	[ "$(stat -c %a file)" = 600 ]
	grep -q '<svg' file
	cat fifo >received 3>&- &
	"$inspect" snapshot --core sound -o fifo
	wait
	[ -p fifo ]
	"$inspect" snapshot --core sound -o direct
	cmp received direct
	cat fifo >received 3>&- &
	"$inspect" extract 2 --core sound -o fifo
	wait
	"$inspect" extract 2 --core sound -o direct
	cmp received direct
}

@test "the standard output gets only the content" {
	"$inspect" extract 2 --core sound -o content
	# shellcheck disable=SC2016 # by the inner shell
	run -0 --separate-stderr bash -c '"$1" extract 2 --core sound -o /dev/stdout >out' _ "$inspect"
	[[ $stderr == *"sealed, and as it was when sealed" ]]
	cmp content out
	"$inspect" extract 2 --core sound -o /dev/stdout 2>/dev/null | cmp content
	"$inspect" snapshot --core sound -o direct
	"$inspect" snapshot --core sound -o /dev/stdout 2>/dev/null | cmp direct
	run -2 "$inspect" extract 2 --json --core sound -o /dev/stdout
	[[ $output == *"cannot both go to the standard output"* ]]
}

@test "a failed command does not change the file" {
	echo before >file
	run -2 "$inspect" extract 3 --core "$outgoing" -o file
	run -2 "$inspect" snapshot --core "$outgoing" --with-content=99 -o file
	run -2 "$inspect" map --core none -o file
	[ "$(cat file)" = before ]
	[ "$(ls)" = "$(printf 'file\nsound')" ]
}

# interrupted SIGNAL COMMAND...: stops the program at each system call, until its file without a name has content, and
# then sends the signal.
interrupted() {
	/usr/bin/python3 - "$@" <<-'END'
		import ctypes, os, signal, sys
		TRACEME, DETACH, SYSCALL = 0, 17, 24
		libc = ctypes.CDLL(None)
		libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
		number = getattr(signal, sys.argv[1])
		child = os.fork()
		if not child:
		    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
		    if libc.ptrace(TRACEME, 0, None, None) == 0:
		        os.execv(sys.argv[2], sys.argv[2:])
		    os._exit(99)
		def has_written():
		    files = [f"/proc/{child}/fd/{fd}" for fd in os.listdir(f"/proc/{child}/fd")]
		    return any("(deleted)" in os.readlink(file) and os.stat(file).st_size for file in files)
		while True:
		    status = os.waitpid(child, 0)[1]
		    if not os.WIFSTOPPED(status):
		        sys.exit(f"the program ended before it wrote: {status:#x}")
		    if has_written():
		        break
		    stop = os.WSTOPSIG(status)
		    libc.ptrace(SYSCALL, child, None, 0 if stop == signal.SIGTRAP else stop)
		os.kill(child, number)
		libc.ptrace(DETACH, child, None, None)
		status = os.waitpid(child, 0)[1]
		sys.exit(not os.WIFSIGNALED(status) or os.WTERMSIG(status) != number)
	END
}

@test "an interrupted command leaves no file" {
	local signal command
	echo before >file
	for signal in SIGINT SIGTERM SIGKILL; do
		for command in "snapshot -o file" "map -o new"; do
			# shellcheck disable=SC2086 # more than one word
			interrupted "$signal" "$inspect" $command --core sound
		done
	done
	# the process that would have put it in place ends on its own
	sleep 0.2
	[ "$(ls -A)" = "$(printf 'file\nsound')" ]
	[ "$(cat file)" = before ]
}

# Makes a state in which all names contain bytes that are not text.
make_hostile() {
	/usr/bin/python3 - "$outgoing" "$1" <<-'END'
		import sys
		data = open(sys.argv[1], "rb").read()
		for old, new in ((b"pci:0000:00:02.0", b"pci:\xff\x9b\x1b[2J\xc2\x9b\\xab"),
				 (b"kho_edu", b"k\x80\x7f\n\xe2\x80e"),
				 (b"kho-edu", b"k\xc3\xbc\xff\x9b-e"),
				 (b"release=7.3.4-kho", b"release=7.\xff\x9b\x1b-kho")):
		    assert old in data and len(old) == len(new), (old, new)
		    data = data.replace(old, new)
		open(sys.argv[2], "wb").write(data)
	END
}

# is_text FILE...: true for UTF-8 without control characters other than line ends.
is_text() {
	/usr/bin/python3 - "$@" <<-'END'
		import sys
		for path in sys.argv[1:]:
		    text = open(path, "rb").read().decode("utf-8")
		    assert text, path
		    bad = [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]
		    assert not bad, (path, bad)
	END
}

@test "no command prints bytes that are not text, in any format" {
	local hostile=$'h\xff\x9b\x1b[31m' command
	make_hostile "$hostile"
	for command in show list tree ranges scratch verify map; do
		"$inspect" "$command" --core "$hostile" >"$command.text" 2>&1 || [ $? = 1 ]
		"$inspect" "$command" --json --core "$hostile" >"$command.json" || [ $? = 1 ]
	done
	"$inspect" verify --prometheus --core "$hostile" >metrics.text || [ $? = 1 ]
	"$inspect" diff "$outgoing" "$hostile" >diff.text || [ $? = 1 ]
	"$inspect" diff --json "$outgoing" "$hostile" >diff.json || [ $? = 1 ]
	"$inspect" map --core "$hostile" -o "$hostile.svg" >picture.text
	"$inspect" snapshot --core "$hostile" -o "$hostile.copy" >snapshot.text
	"$inspect" snapshot --json --core "$hostile" -o "$hostile.copy" >snapshot.json
	"$inspect" show --core "$hostile.none" >/dev/null 2>error.text || [ $? = 2 ]
	"$inspect" extract 1 --core "$hostile" -o "$hostile.content" >/dev/null 2>extract.text || [ $? = 2 ]
	"$inspect" check-target --core "$hostile" "$hostile" 2>target.text || [ $? = 2 ]
	"$inspect" list "--$hostile" 2>option.text || [ $? = 2 ]
	cp "$hostile.svg" svg.text
	is_text ./*.text ./*.json
	# a copy of the state reads the same
	cmp <("$inspect" show --core "$hostile") <("$inspect" show --core "$hostile.copy")

	/usr/bin/python3 - "$top/tools/kho-inspect/kho-inspect.schema.json" <<-'END'
		import glob, json, os, sys, jsonschema, xml.dom.minidom
		schema = json.load(open(sys.argv[1]))
		documents = {path: json.load(open(path)) for path in glob.glob("*.json")}
		assert len(documents) == 9, documents.keys()
		for document in documents.values():
		    jsonschema.validate(document, schema)
		xml.dom.minidom.parse("svg.text")
		# the original bytes can be recovered
		record = documents["list.json"]["records"][0]
		assert bytes.fromhex(record["device_bytes"]) == b"pci:\xff\x9b\x1b[2J\xc2\x9b\\xab", record
		assert record["device"] == r"pci:\xff\x9b\x1b[2J\xc2\x9b\x5cxab", record
		assert bytes.fromhex(record["tag_bytes"]) == b"k\x80\x7f\n\xe2\x80e", record
		state = documents["show.json"]["state"]
		assert bytes.fromhex(state["release_bytes"]) == b"7.\xff\x9b\x1b-kho", state
		names = [s.get("name_bytes") for s in documents["tree.json"]["subtrees"]]
		assert b"k\xc3\xbc\xff\x9b-e".hex() in names, names
		file = bytes.fromhex(documents["snapshot.json"]["file_bytes"])
		assert os.path.exists(file) and file.endswith(b".copy"), file
	END
}

@test "the terminal map shows the scratch areas of the running kernel" {
	local root=machine
	mkdir -p "$root/proc" "$root/sys/kernel/debug/kho/out" "$root/sys/kernel/debug/kho/in"
	# all 2 GiB, and not only the pages of the snapshot
	/usr/bin/python3 - "$outgoing" "$root/proc/kcore" <<-'END'
		import struct, sys
		data = open(sys.argv[1], "rb").read()
		header = bytearray(data[:64])
		offset, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
		struct.pack_into("<H", header, 56, 1)
		with open(sys.argv[2], "wb") as out:
		    out.write(header + struct.pack("<IIQQQQQQ", 1, 4, 4096, 0, 0, 2 << 30, 2 << 30, 4096))
		    for i in range(count):
		        kind, _, at, _, addr, size, _, _ = struct.unpack_from("<IIQQQQQQ", data, offset + 56 * i)
		        if kind == 1:
		            out.seek(4096 + addr)
		            out.write(data[at:at + size])
		    out.truncate(4096 + (2 << 30))
	END
	grep -aoE '(fdt_phys|scratch)=0x[0-9a-f]+(\+0x[0-9a-f]+)?' "$outgoing" >notes
	sed -n 's/^fdt_phys=//p' notes >"$root/sys/kernel/debug/kho/out/fdt_phys"
	sed -n 's/^scratch=\(.*\)+.*/\1/p' notes >"$root/sys/kernel/debug/kho/out/scratch_phys"
	sed -n 's/^scratch=.*+//p' notes >"$root/sys/kernel/debug/kho/out/scratch_len"
	# in the middle of the first area
	printf '%x-%x : Kernel code\n' $(($(head -n 1 "$root/sys/kernel/debug/kho/out/scratch_phys") + (4 << 20))) \
		$(($(head -n 1 "$root/sys/kernel/debug/kho/out/scratch_phys") + (40 << 20) - 1)) >"$root/proc/iomem"
	run -0 "$inspect" map --sysroot "$root"
	[[ $output == *"k running kernel     36 MiB"* ]]
	grep -qE '^ +0x[0-9a-f]+ .*sk+s' <<<"$output"
	# kho-inspect does not follow a link out of the sysroot
	mv "$root/proc/iomem" iomem
	ln -s "$PWD/iomem" "$root/proc/iomem"
	run -0 "$inspect" map --sysroot "$root"
	[[ $output != *"running kernel"* ]]
	# a file does not contain the scratch areas
	run -0 "$inspect" map --core "$outgoing"
	[[ $output != *"running kernel"* ]]
}

@test "scratch shows who chose its size and what CMA counts of it, or says unknown" {
	local root=machine kho=machine/sys/kernel/debug/kho value
	mkdir -p "$root/proc" "$kho/out" "$kho/in"
	cp "$outgoing" "$root/proc/kcore"
	grep -aoE '(fdt_phys|scratch)=0x[0-9a-f]+(\+0x[0-9a-f]+)?' "$outgoing" >notes
	sed -n 's/^fdt_phys=//p' notes >"$kho/out/fdt_phys"
	sed -n 's/^scratch=\(.*\)+.*/\1/p' notes >"$kho/out/scratch_phys"
	sed -n 's/^scratch=.*+//p' notes >"$kho/out/scratch_len"
	figures() {
		"$inspect" scratch --json "$@" | jq -c '[.chosen_by, .cma_total, .cma_free, .crash_kernel]'
	}
	[ "$(figures --core "$outgoing")" = '["unknown",null,null,null]' ]
	[ "$(figures --sysroot "$root")" = '["unknown",null,null,null]' ]
	echo 'quiet kho=on' >"$root/proc/cmdline"
	printf 'MemFree: 1 kB\nCmaTotal:  32768 kB\nCmaFree:  204800 kB\n' >"$root/proc/meminfo"
	echo 268435456 >"$root/sys/kernel/kexec_crash_size"
	[ "$(figures --sysroot "$root")" = '["default",33554432,209715200,268435456]' ]
	run -0 "$inspect" scratch --sysroot "$root"
	[[ $output == *"; the kernel's own choice; set with kho_scratch="* ]]
	[[ $output == *"pinned for long (RDMA, VFIO, io_uring) cannot be in it"* ]]
	[[ $output == *"CmaFree (200 MiB) counts its free pages, CmaTotal (32 MiB) does not count it."* ]]
	# the fixture's largest area has 100 MiB
	[[ $output == *"The areas have no room for a crash kernel of 256 MiB beside the kernel: the next kernel would come up without kdump."* ]]
	[ "$("$inspect" scratch --json --sysroot "$root" | jq .crash_kernel_fits)" = false ]
	echo 67108864 >"$root/sys/kernel/kexec_crash_size"
	[ "$("$inspect" scratch --json --sysroot "$root" | jq .crash_kernel_fits)" = true ]
	# the rest of each area after alignment, as K608: 88 MiB
	echo 94371840 >"$root/sys/kernel/kexec_crash_size"
	[ "$("$inspect" scratch --json --sysroot "$root" | jq .crash_kernel_fits)" = false ]
	echo 67108864 >"$root/sys/kernel/kexec_crash_size"
	run ! grep -q kdump <("$inspect" scratch --sysroot "$root")
	# CMA may be in scratch or not: 88 MiB fit beside a crash kernel of 88 MiB, and 94 MiB do not
	for value in 90112:true 96256:null; do
		echo 92274688 >"$root/sys/kernel/kexec_crash_size"
		printf 'CmaTotal:  %s kB\nCmaFree:  204800 kB\n' "${value%:*}" >"$root/proc/meminfo"
		[ "$("$inspect" scratch --json --sysroot "$root" | jq .crash_kernel_fits)" = "${value#*:}" ]
	done
	"$inspect" scratch --sysroot "$root" | grep -q 'It is unknown whether the areas have room for a crash kernel'
	for value in -1 +1 0x100 1M 18446744073709551616 ''; do
		echo "$value" >"$root/sys/kernel/kexec_crash_size"
		[ "$("$inspect" scratch --json --sysroot "$root" | jq -c '[.crash_kernel, .crash_kernel_fits]')" = '[null,null]' ]
	done
	"$inspect" scratch --sysroot "$root" | grep -q 'It is unknown whether the areas have room for a crash kernel'
	printf 'CmaTotal:  18014398509481984 kB\nCmaFree:  -18446744073709551615 kB\n' >"$root/proc/meminfo"
	[ "$(figures --sysroot "$root")" = '["default",null,null,null]' ]
	# in quotes it is part of another value
	echo 'a="b kho_scratch=1M,0,0"' >"$root/proc/cmdline"
	[ "$(figures --sysroot "$root" | jq -r '.[0]')" = default ]
	echo '"kho_scratch=1M,0,0"' >"$root/proc/cmdline"
	[ "$(figures --sysroot "$root" | jq -r '.[0]')" = command-line ]
	# the kernel rejects these values and uses its default
	for value in =512M =512M,0 =0,0,0 =512M,0,0x '=1M,0,0,' =12.5% =% =4294967296% =-5% '= 5%' = ""; do
		echo "quiet kho_scratch$value" >"$root/proc/cmdline"
		run -0 "$inspect" scratch --sysroot "$root"
		[[ $output == *"; the kernel's own choice; "*"The kernel rejected kho_scratch= of its command line."* ]]
		[ "$(figures --sysroot "$root" | jq -r '.[0]')" = default ]
	done
	for value in 512M,0,0 0x100000,1,2K 200% +5% '512M,0,0 kho_scratch=512M' '512M kho_scratch="1G,0,0"'; do
		echo "kho_scratch=$value" >"$root/proc/cmdline"
		[ "$(figures --sysroot "$root" | jq -r '.[0]')" = command-line ]
	done
	# a kernel with incoming state takes over the areas of an earlier kernel
	touch "$kho/in/fdt"
	[ "$(figures --sysroot "$root" | jq -r '.[0]')" = previous-kernel ]
}
