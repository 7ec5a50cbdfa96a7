# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Sources from the machine's own Debian mirror, through a private apt
# configuration that leaves the system's own apt alone.

# shellcheck source=lab/sources.conf
. "$KHO_TOP/lab/sources.conf"

FETCH_DIR=$KHO_CACHE/downloads

# The URI of Debian's main archive as this machine has it.
fetch_mirror() {
	local site
	# shellcheck disable=SC2016 # apt's own variables
	site=$(apt-get indextargets --format '$(SITE) $(CREATED_BY) $(ORIGIN) $(LABEL)' |
		awk '$2 == "Packages" && $3 == "Debian" && $4 == "Debian" { print $1; exit }')
	[[ $site ]] || die "no Debian archive in this machine's apt sources: set KHO_LINUX_SRC and KHO_KEXEC_TOOLS_SRC to local sources"
	printf '%s\n' "$site"
}

# fetch_apt_setup SUITE: from here on apt in this shell knows that suite and no other.
fetch_apt_setup() {
	local suite=$1 apt=$KHO_CACHE/apt/$1 site keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	site=$(fetch_mirror)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$FETCH_DIR"
	cat >"$apt/sources.list" <<-END
		deb [signed-by=$keyring] $site $suite main
		deb-src [signed-by=$keyring] $site $suite main
	END
	cat >"$apt/apt.conf" <<-END
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "";
		Acquire::Languages "none";
	END
	export APT_CONFIG=$apt/apt.conf
	apt-get -q update || die "apt cannot read the suite $suite of this machine's mirror: see above"
}

# fetch_checked FILE SHA256 COMMAND...: unless FILE is there and right, runs the
# command in an empty folder and keeps the one file that it leaves.
fetch_checked() {
	local file=$1 sum=$2 tmp
	shift 2
	if fetch_is "$file" "$sum"; then
		return 0
	fi
	tmp=$(mktemp -d "$FETCH_DIR/partial.XXXXXX")
	(cd "$tmp" && "$@") || {
		rm -rf "$tmp"
		return 1
	}
	mv "$tmp"/* "$file"
	rmdir "$tmp"
	# the server's date says nothing about whether what is made of it is up to date
	touch "$file"
	printf '%s  %s\n' "$sum" "$file" | sha256sum -c
}

fetch_is() {
	local file=$1 sum=$2
	[[ -f $file ]] && printf '%s  %s\n' "$sum" "$file" | sha256sum -c --status
}

# A binary package; a newer one than was pinned will do, signed as it is.
fetch_package() {
	local suite=$1 package=$2 pinned=$3 file=$4 sum
	fetch_apt_setup "$suite"
	# apt has checked this hash against the archive's signature
	sum=$(apt-cache show "$package" | awk '$1 == "SHA256:" && !found { found = $2 } END { print found }')
	[[ $sum ]] || die "$package is not in suite $suite of this machine's mirror"
	[[ $sum == "$pinned" ]] || note "note: the mirror has a newer $package than the one that was tried"
	fetch_checked "$file" "$sum" apt-get -q download "$package"
}

# The upstream tarball of a source package.
fetch_orig() {
	local suite=$1 package=$2 version=$3 pinned=$4 file=$5 name=$2_$3.orig.tar.xz debian uri
	fetch_apt_setup "$suite"
	# the newest of that upstream version; to its end, for pipefail
	debian=$(apt-cache showsrc "$package" | awk -v upstream="$version-" '
		$1 == "Version:" { v = $2; sub(/^[0-9]+:/, "", v); if (!found && index(v, upstream) == 1) found = $2 }
		END { print found }')
	[[ $debian ]] || die "$package $version is not in suite $suite of this machine's mirror"
	uri=$(apt-get source --print-uris --download-only "$package=$debian" |
		sed -n "s/^'\([^']*\)' $name .*/\1/p")
	[[ $uri ]] || die "$name is not in suite $suite of this machine's mirror"
	fetch_checked "$file" "$pinned" /usr/lib/apt/apt-helper download-file "$uri" "$name" "SHA256:$pinned"
}

# fetch_source NAME: prints the tarball of what sources.conf calls so, fetching it if
# need be.
fetch_source() {
	local name=$1 suite kind package version pinned file tarball
	[[ ${SOURCES[$name]:-} ]] || die "no source is called $name in lab/sources.conf"
	read -r suite kind package version pinned <<<"${SOURCES[$name]}"
	mkdir -p "$FETCH_DIR"
	if [[ $kind == orig ]]; then
		file=$FETCH_DIR/${package}_$version.orig.tar.xz
		fetch_is "$file" "$pinned" ||
			step "fetching $name" with_lock fetch fetch_orig "$suite" "$package" "$version" "$pinned" "$file"
		printf '%s\n' "$file"
		return
	fi
	file=$FETCH_DIR/$package.deb tarball=$FETCH_DIR/$package.tar.xz
	fetch_is "$file" "$pinned" ||
		step "fetching $name" with_lock fetch fetch_package "$suite" "$package" "$pinned" "$file"
	[[ -f $tarball && ! $tarball -ot $file ]] || with_lock fetch fetch_package_tarball "$file" "$tarball"
	printf '%s\n' "$tarball"
}

# The package holds one tarball.
fetch_package_tarball() {
	local deb=$1 tarball=$2
	dpkg-deb --fsys-tarfile "$deb" | tar -xO "./usr/src/${tarball##*/}" >"$tarball.tmp"
	mv "$tarball.tmp" "$tarball"
}

# fetch_or_local VARIABLE NAME: what the variable names, else the source NAME.
fetch_or_local() {
	local variable=$1 name=$2 path=${!1:-}
	if [[ $path ]]; then
		[[ -e $path ]] || die "$variable=$path does not exist"
		realpath "$path"
		return
	fi
	fetch_source "$name"
}

# Prints the tarball or tree that kernel-patches/ apply to.
fetch_linux() {
	fetch_or_local KHO_LINUX_SRC "linux-$LINUX_RELEASE"
}

# The same for kexec/patches/.
fetch_kexec_tools() {
	fetch_or_local KHO_KEXEC_TOOLS_SRC "kexec-tools-$KEXEC_TOOLS_VERSION"
}

# unpack SOURCE DIR: a tarball or tree as DIR (which must not exist), without its
# top folder.
unpack() {
	local source=$1 dir=$2 tmp=$2.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [[ -d $source ]]; then
		cp -a "$source/." "$tmp/"
		rm -rf "$tmp/.git"
	else
		tar -xf "$source" -C "$tmp" --strip-components=1
	fi
	mv "$tmp" "$dir"
}

# source_id SOURCE: what a tarball or tree is known by in the cache.
source_id() {
	if [[ -d $1 ]]; then
		# too large to read whole each time: name, time and size of every file
		(cd "$1" && find . -path ./.git -prune -o -type f -printf '%P %T@ %s\n' | LC_ALL=C sort) |
			sha256sum | cut -c1-12
	else
		sha256sum <"$1" | cut -c1-12
	fi
}
