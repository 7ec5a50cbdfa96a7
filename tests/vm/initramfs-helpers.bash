# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Machines that go by kexec from one initramfs to the next. A boot of one takes most of the time, so
# each boot is asked all that it can answer.

# dracut: each release with systemd and without; and the other tool.
# shellcheck disable=SC2034 # the tests'
DRACUT_IMAGES=(plain-059 systemd-059 plain-106 systemd-106 plain-112 systemd-112)
# shellcheck disable=SC2034 # the tests'
EVERY_IMAGE=("${DRACUT_IMAGES[@]}" initramfs-tools)

status_word() {
	vm_run cat /run/initramfs/kho/status | awk '{ print $1; exit }'
}

# start_with_images [VM_START_OPTION...]: a machine that has the images of VM_IMAGES on a disk, and
# boots without any unless told to.
start_with_images() {
	(($#)) || set -- --append "kho=on"
	vm_start "$@" --qemu "-drive file=$VM_IMAGES/all.img,format=raw,if=virtio,readonly=on ${VM_MORE:-}"
}

# fetch_image NAME: that initramfs as a file of the machine.
fetch_image() {
	local at size
	at=$(awk -v name="$1" '$1 == name { print $2 }' "$VM_IMAGES/all.index")
	size=$(stat -L -c %s "$VM_IMAGES/$1.img")
	vm_ok "dd if=/dev/vdb bs=1M skip=$at count=$((size / 1048576 + 1)) 2>/dev/null | head -c $size >/tmp/initramfs.img"
}

# load_image NAME -s|-c --kho=HOW [ARGUMENTS]: the same kernel with that initramfs; no
# argument of the load before is left.
load_image() {
	local how=$2 kho=$3
	fetch_image "$1"
	load_fetched "$how" "$kho" "${4:-}"
}

load_fetched() {
	local how=$1 kho=$2
	vm_ok kexec -l "$how" "$kho" "/boot/${VM_KERNEL##*/}" --initrd=/tmp/initramfs.img \
		--command-line="$VM_CMDLINE ro kho=on ${3:-}"
}

# hop NAME -s|-c --kho=HOW [ARGUMENTS]: loads it and jumps. From here on, what was on the
# console before does not count.
hop() {
	load_image "$@"
	vm_mark
	vm_kexec "kexec -e${3:+ $3}"
}

# jump_and_wait REGEX: to what was loaded, for boots that do not end with a machine that
# takes commands.
jump_and_wait() {
	vm_mark
	vm_run 'kexec -e --kho=off >/dev/console 2>&1 &'
	vm_wait_console "$1" 120
}

# wait_for_shell NAME: until the emergency shell of that initramfs has its prompt. busybox
# asks the terminal behind it where the cursor is, and the kernel may have something to say.
PROMPT=$'(#|\\(initramfs\\)) (\e\\[6n)?(\\[ *[0-9]+\\.[0-9]+\\] .*)?$'
wait_for_shell() {
	if [[ $1 == systemd-* ]]; then
		vm_wait_console 'Press Enter for (system )?maintenance' 90
		vm_type ''
	fi
	vm_wait_console "$PROMPT" 60
}

# spoil_image FILE MODE: in the fetched image, FILE stands for kho-inspect. The kernel unpacks
# what follows over what was there.
spoil_image() {
	local dir=$BATS_TEST_TMPDIR/tool packed
	rm -rf "$dir"
	mkdir -p "$dir/usr/bin"
	cp "$1" "$dir/usr/bin/kho-inspect"
	chmod "$2" "$dir/usr/bin/kho-inspect"
	packed=$(cd "$dir" && find usr | cpio -o -H newc --quiet | gzip | base64 -w 0)
	vm_ok "echo $packed | base64 -d >>/tmp/initramfs.img"
}

# The rules of the findings in report.json or claims.json.
rules_in() {
	vm_run cat "/run/initramfs/kho/$1" | jq -r '[.findings[].rule] | unique | join(" ")'
}

# packed NAME: the files in that image.
packed() {
	gzip -dc "$VM_IMAGES/$1.img" | cpio -t --quiet
}
