# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Machines that go by kexec from one initramfs to the next.

status_word() {
	vm_run cat /run/initramfs/kho/status | awk '{ print $1; exit }'
}

# start_with_images [VM_START_OPTION... --] NAME...: a machine that has these images of
# VM_IMAGES as disks, and boots without any unless told to.
start_with_images() {
	local name drives="" options=(--append "kho=on")
	if [[ $1 == --* ]]; then
		options=()
		while [[ $1 != -- ]]; do
			options+=("$1")
			shift
		done
		shift
	fi
	IMAGES=("$@")
	for name in "$@"; do
		drives+=" -drive file=$VM_IMAGES/$name.img,format=raw,if=virtio,readonly=on"
	done
	vm_start "${options[@]}" --qemu "$drives ${VM_MORE:-}"
}

# load_image NAME -s|-c --kho=HOW [ARGUMENTS]: the same kernel with that initramfs; no
# argument of the load before is left.
load_image() {
	local name=$1 how=$2 kho=$3 i letters=bcdefghi
	for ((i = 0; i < ${#IMAGES[@]}; i++)); do
		[[ ${IMAGES[i]} != "$name" ]] || break
	done
	vm_ok "head -c $(stat -L -c %s "$VM_IMAGES/$name.img") /dev/vd${letters:i:1} >/tmp/initramfs.img"
	vm_ok kexec -l "$how" "$kho" /boot/bzImage --initrd=/tmp/initramfs.img \
		--command-line="console=ttyS0 root=/dev/vda rootfstype=ext4 ro rd.skipfsck panic=-1 kho=on ${4:-}"
}

# hop NAME -s|-c --kho=HOW [ARGUMENTS]: loads it and jumps.
hop() {
	load_image "$@"
	vm_kexec "kexec -e${3:+ $3}"
}
