# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's promtool and node_exporter, unpacked and not installed, because installed packages would
# start services on this machine.

prometheus_unpack() {
	local dir=$1 debs=$1.debs deb
	rm -rf "$debs" "$dir.tmp"
	mkdir -p "$debs" "$dir.tmp"
	# apt checks both against the archive's signature
	(cd "$debs" && apt-get -q download prometheus prometheus-node-exporter)
	for deb in "$debs"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir.tmp" --wildcards --exclude=./usr/bin/prometheus './usr/bin/*'
	done
	rm -r "$debs"
	mv "$dir.tmp" "$dir"
}

# Sets KHO_PROMETHEUS to a folder with promtool and prometheus-node-exporter.
prometheus_fetch() {
	local dir=$KHO_CACHE/prometheus
	mkdir -p "$KHO_CACHE"
	[[ -d $dir ]] || step "fetching promtool and node_exporter (40 MB)" \
		with_lock fetch unless_there "$dir" prometheus_unpack "$dir"
	export KHO_PROMETHEUS=$dir/usr/bin
}
