# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Virtual machines for tests and for the demo. A test is a few lines:
#
#	vm_start --append "kho=on"
#	vm_ok modprobe kho_edu
#	vm_ok kexec -l -s --kho=require /boot/bzImage --reuse-cmdline
#	vm_kexec
#	vm_run kho-inspect verify --in
#
# vm_run prints the output of the command and returns its exit status. If any other function
# fails, it ends the test and shows the end of the machine's console.
#
# Needs VM_KERNEL, VM_DISK and, for --dracut, VM_INITRAMFS. KHO_VM_ACCEL is QEMU's accelerator;
# KHO_VM_TIMEOUT multiplies every time limit (default 1).

: "${KHO_VM_ACCEL:=tcg}"
: "${KHO_VM_TIMEOUT:=1}"

VM_DIR=
VM_PID=
VM_TTY=
VM_MARK=0

# Options of the kernel of any machine, and of the next kernel if it does not reuse the command
# line. The caller adds ro or rw.
# no_timer_check: on a busy host the timer may tick too late for the kernel's test of it, and the
# kernel then panics.
# tsc=nowatchdog: the watchdog of Linux 7.3 waits for another processor, with interrupts off,
# until the clock says that this takes too long. While the clock is jiffies, it stands still, and
# if the other processor waits in stop_machine() for the change to a better clock, both wait for
# ever. ("KHO: exec from" is then the last line.)
VM_CMDLINE="console=ttyS0 root=/dev/vda rootfstype=ext4 rd.skipfsck panic=-1 no_timer_check tsc=nowatchdog"

# VM_ARCH=arm64 selects QEMU's "virt"; VM_MACHINE may name another machine, "virt,iommu=smmuv3", and
# VM_CPU another processor.
# The agent uses a serial port on PCI there, because "virt" has only one port.
: "${VM_ARCH:=x86_64}"
if [[ $VM_ARCH == arm64 ]]; then
	VM_CMDLINE="console=ttyAMA0 root=/dev/vda rootfstype=ext4 rd.skipfsck panic=-1"
fi

# Sets VM_QEMU, the command that starts QEMU for the architecture.
# erms=off: with that feature, kernel and libc copy and clear memory by "rep movsb" and "rep stosb",
# and the emulator does these byte by byte. Without it they use words.
vm_qemu() {
	case $VM_ARCH in
	x86_64) VM_QEMU=(qemu-system-x86_64 -machine "${VM_MACHINE:-q35}" -cpu "max,erms=off" -serial chardev:console -serial chardev:agent) ;;
	arm64) VM_QEMU=(qemu-system-aarch64 -machine "${VM_MACHINE:-virt}" -cpu "${VM_CPU:-cortex-a57}"
		-serial chardev:console -device "pci-serial,chardev=agent") ;;
	esac
}

vm_fail() {
	printf '%s\n' "$*" >&2
	if [[ $VM_DIR && -f $VM_DIR/console ]]; then
		printf -- '--- the end of the console ---\n' >&2
		tail -n "${VM_TAIL:-40}" "$VM_DIR/console" | tr -d '\r' >&2
		printf -- '---\n' >&2
	fi
	return 1
}

# Prints the console, since vm_mark if that was called, without carriage returns.
vm_console() {
	tail -c "+$((VM_MARK + 1))" "$VM_DIR/console" | tr -d '\r'
}

# Later checks ignore what is on the console so far: for machines that boot more than once.
vm_mark() {
	VM_MARK=$(stat -c %s "$VM_DIR/console")
}

# QEMU's translator checks every store into a page from which it has translated code, until its
# buffer is full. To load a kernel over such pages takes a minute with the default buffer and stores of
# single bytes (see vm_qemu), instead of a second or two. A smaller buffer is full often enough; but
# with 32 MiB, a boot with an initramfs translates most of its code several times, which takes half of
# the time.
vm_accel() {
	if [[ $KHO_VM_ACCEL == tcg ]]; then
		printf 'tcg,tb-size=256\n'
	else
		printf '%s\n' "$KHO_VM_ACCEL"
	fi
}

# vm_start [--append ARGS] [--mem SIZE] [--smp N] [--dracut] [--no-edu] [--no-wait] [--files FOLDER]
# [--qemu "ARGS"]: boots and waits until the machine takes commands (not with --no-wait).
# vm_files copies the files of FOLDER into the machine.
vm_start() {
	local append="" mem=2G smp=2 initrd=() edu=(-device "edu,dma_mask=0xffffffff") extra=() wait=1 files=""
	while (($#)); do
		case $1 in
		--append) append=$2; shift ;;
		--mem) mem=$2; shift ;;
		--smp) smp=$2; shift ;;
		--dracut) initrd=(-initrd "$VM_INITRAMFS") ;;
		--no-edu) edu=() ;;
		--no-wait) wait=0 ;;
		--files) files=$2; shift ;;
		--qemu) read -ra extra <<<"$2"; shift ;;
		*) vm_fail "vm_start: unknown option $1"; return 1 ;;
		esac
		shift
	done

	VM_DIR=$(mktemp -d "${BATS_TEST_TMPDIR:-${TMPDIR:-/tmp}}/vm.XXXXXX")
	mkfifo "$VM_DIR/agent.in" "$VM_DIR/agent.out"
	: >"$VM_DIR/console"
	VM_MARK=0
	if [[ $files ]]; then
		# the first additional drive, so that its name is always the same
		tar -C "$files" -cf "$VM_DIR/files.tar" .
		truncate -s %512 "$VM_DIR/files.tar"
		extra=(-drive "file=$VM_DIR/files.tar,format=raw,if=virtio,readonly=on" "${extra[@]}")
	fi
	vm_qemu
	"${VM_QEMU[@]}" -accel "$(vm_accel)" -m "$mem" -smp "$smp" \
		-display none -no-reboot -nodefaults -kernel "$VM_KERNEL" "${initrd[@]}" \
		-append "$VM_CMDLINE ro $append" \
		-drive "file=$VM_DISK,format=raw,if=virtio,snapshot=on" \
		-object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-pci,rng=rng \
		"${edu[@]}" "${extra[@]}" \
		-chardev "socket,id=console,path=$VM_DIR/tty,server=on,wait=off,logfile=$VM_DIR/console" \
		-monitor "unix:$VM_DIR/monitor,server=on,wait=off" \
		-chardev "pipe,id=agent,path=$VM_DIR/agent" \
		</dev/null >"$VM_DIR/qemu.log" 2>&1 3>&- &
	VM_PID=$!
	disown "$VM_PID" 2>/dev/null || true
	# Read from a file, because bash's read with a time limit may lose data that arrives at the
	# limit. This process ends with QEMU.
	: >"$VM_DIR/agent.log"
	cat "$VM_DIR/agent.out" >"$VM_DIR/agent.log" 2>/dev/null 3>&- &
	disown $! 2>/dev/null || true
	# keep both ends of the pipe open, so that the machine sees no end of file
	exec {VM_IN}<>"$VM_DIR/agent.in" {VM_OUT}<"$VM_DIR/agent.log"
	((!wait)) || vm_wait_ready "${VM_BOOT_TIMEOUT:-90}"
}

# kill -0 succeeds for a zombie.
vm_alive() {
	local stat
	{ read -r stat <"/proc/$VM_PID/stat"; } 2>/dev/null && [[ $stat != *") Z "* ]]
}

# Reads one line from the agent into VM_LINE. Fails after so many seconds, or if QEMU has ended.
vm_read_line() {
	local limit=$(($1 * KHO_VM_TIMEOUT)) start=$SECONDS part=""
	VM_LINE=
	while ((SECONDS - start <= limit)); do
		if IFS= read -r part <&"$VM_OUT"; then
			VM_LINE+=$part
			return 0
		fi
		VM_LINE+=$part
		if ! vm_alive; then
			head -n 5 "$VM_DIR/qemu.log" >&2
			printf 'the machine is gone\n' >&2
			return 1
		fi
		sleep 0.05
	done
	return 1
}

vm_wait_ready() {
	local start=$SECONDS
	while ((SECONDS - start <= $1 * KHO_VM_TIMEOUT)); do
		vm_read_line "$1" || break
		[[ $VM_LINE == *READY\ * ]] || continue
		return 0
	done
	vm_where
	vm_fail "the machine did not come up within $1 s"
}

# vm_run COMMAND...: runs it in the machine, prints its output, returns its status. A single word
# is a script; several words are quoted for the shell.
vm_run() {
	local script=$1 limit=${VM_RUN_TIMEOUT:-120}
	(($# == 1)) || printf -v script '%q ' "$@"
	printf 'RUN %s\n' "$(printf '%s\n' "$script" | base64 -w 0)" >&"$VM_IN"
	while vm_read_line "$limit"; do
		case $VM_LINE in
		# even if the reader has closed the pipe, read the status
		OUT\ *) printf '%s' "${VM_LINE:4}" | base64 -d || true ;;
		RC\ *) return "${VM_LINE#RC }" ;;
		esac
	done
	vm_fail "no answer within $limit s from: $script"
	return 124
}

# vm_ok COMMAND...: vm_run, for a command that must succeed.
vm_ok() {
	local status=0
	vm_run "$@" || status=$?
	((status == 0)) || vm_fail "failed with status $status in the machine: $*"
}

# vm_files [FOLDER]: copies the files of --files to /tmp of the machine; call it again after a kexec.
# shellcheck disable=SC2120 # mostly without
vm_files() {
	vm_ok "mkdir -p ${1:-/tmp} && tar -xf /dev/vdb -C ${1:-/tmp}"
}

# vm_kexec [COMMAND]: jumps to the loaded kernel and waits until it takes commands.
# shellcheck disable=SC2120 # mostly without
vm_kexec() {
	local script=${1:-kexec -e}
	printf 'RUN %s\n' "$(printf '%s >/dev/console 2>&1\n' "$script" | base64 -w 0)" >&"$VM_IN"
	local start=$SECONDS limit=${VM_BOOT_TIMEOUT:-90}
	while ((SECONDS - start <= limit * KHO_VM_TIMEOUT)); do
		vm_read_line "$limit" || break
		case $VM_LINE in
		*READY\ *) return 0 ;;
		RC\ *) break ;; # kexec -e came back
		esac
	done
	vm_where
	vm_fail "the next kernel did not come up after: $script"
}

# vm_wait_console REGEX SECONDS: waits until a line of the console matches.
vm_wait_console() {
	local start=$SECONDS
	while ((SECONDS - start <= $2 * KHO_VM_TIMEOUT)); do
		# not a pipe, because grep ends early, and pipefail would make that a failure
		! grep -Eq -- "$1" < <(vm_console) || return 0
		vm_alive || break
		sleep 0.5
	done
	vm_fail "not on the console within $2 s: $1"
}

# vm_expect_console REGEX: fails unless a line of the console matches.
vm_expect_console() {
	grep -Eq -- "$1" < <(vm_console) || vm_fail "not on the console: $1"
}

# vm_monitor COMMAND...: prints the answers of QEMU's monitor.
vm_monitor() {
	"${BASH_SOURCE[0]%/*}/qemu-monitor" "$VM_DIR/monitor" "$@"
}

# Prints the program counters of the processors: a kernel that hangs shows nothing else.
vm_where() {
	! vm_alive || vm_monitor where >&2 || true
}

# Sends its input to the console until the input ends. One connection serves for the life of a
# machine: QEMU logs a character twice if a connection closes while the machine writes it.
vm_tty() {
	exec /usr/bin/python3 -c '
import os, socket, sys, threading
tty = socket.socket(socket.AF_UNIX)
tty.connect(sys.argv[1])

def drain():
    while tty.recv(65536):
        pass
    os._exit(0)

threading.Thread(target=drain, daemon=True).start()
for data in iter(lambda: os.read(0, 4096), b""):
    tty.sendall(data)
' "$VM_DIR/tty"
}

# vm_type TEXT: types a line at the console. Do not call it in a subshell.
vm_type() {
	[[ $VM_TTY ]] || exec {VM_TTY}> >(vm_tty 2>/dev/null 3>&-)
	printf '%s\r' "$1" >&"$VM_TTY"
}

vm_stop() {
	[[ $VM_PID ]] || return 0
	local signal deadline
	for signal in TERM KILL; do
		vm_alive || break
		kill -"$signal" "$VM_PID" 2>/dev/null || true
		deadline=$((SECONDS + 5))
		while vm_alive && ((SECONDS < deadline)); do
			sleep 0.1
		done
	done
	exec {VM_IN}>&- {VM_OUT}>&-
	[[ ! $VM_TTY ]] || exec {VM_TTY}>&-
	VM_TTY=
	VM_PID=
	[[ ${VM_KEEP:-} ]] || rm -rf "$VM_DIR"
}
