#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The report of the initramfs in a running system: Debian 13 with its own systemd and
# journal, booted through the initramfs that its dracut made.

bats_require_minimum_version 1.5.0
load helpers
load initramfs-helpers

@test "kho-report.service puts outcome and findings into the journal, and writes the textfile" {
	export VM_BOOT_TIMEOUT=240
	VM_MORE="-drive file=$VM_IMAGES/release-root.img,format=raw,if=virtio,snapshot=on" \
		start_with_images
	edu_damaged content
	# the last root= counts
	hop systemd-106 -s --kho=off "modprobe.blacklist=kho_edu root=/dev/vdc rw"
	vm_run cat /proc/1/comm | grep -qx systemd
	vm_ok 'systemctl is-system-running --wait; systemctl is-active kho-report.service'

	local journal=$BATS_TEST_TMPDIR/journal
	vm_run journalctl -t kho-report -o json --no-pager >"$journal"
	jq -se '[.[] | select(.KHO_STATUS)] | length == 1 and .[0].KHO_STATUS == "error" and .[0].PRIORITY == "3"' "$journal"
	jq -se 'any(.[]; .KHO_RULE == "K413" and .KHO_SEVERITY == "error" and .KHO_STAGE == "incoming" and (.MESSAGE | startswith("KHO: error K413: ")))' "$journal"
	jq -se '[.[] | select(.KHO_RULE == "K501" and .KHO_STAGE == "claims") | .KHO_RECORD_ID] | unique | length == 5' "$journal"
	vm_run journalctl -q --no-pager KHO_RULE=K413 | grep -q 'K413'

	vm_run cat /var/lib/node-exporter/kho.prom | grep -qx 'kho_boot_status{status="error"} 1'
	vm_run cat /var/lib/node-exporter/kho.prom | grep -q '^kho_verify_findings{side="incoming",severity="error"} '
}
