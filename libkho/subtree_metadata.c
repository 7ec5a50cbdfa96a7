// SPDX-License-Identifier: LGPL-2.1-or-later
/* The "kexec-metadata" subtree, see abi/subtrees.h. */
#include <inttypes.h>
#include <stdio.h>

#include "decode.h"
#include "abi/subtrees.h"

int kho_decode_metadata(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	struct kho_metadata_ser ser = { 0 };
	size_t size = subtree->size < sizeof(ser) ? (size_t)subtree->size : sizeof(ser);
	char text[64];
	int ret;

	ret = kho_decode_read(d, subtree->addr, &ser, size);
	if (!ret && (size < sizeof(ser) || ser.version != KHO_METADATA_VERSION)) {
		snprintf(text, sizeof(text), "%u, of %" PRIu64 " bytes", ser.version, subtree->size);
		ret = kho_decode_unknown(d, "version", text, sizeof(text));
		return ret ? ret : kho_decode_raw(d, subtree);
	}
	if (!ret)
		ret = kho_decode_number(d, "version", ser.version);
	if (ret)
		return ret;
	ret = kho_decode_text(d, "previous_release", ser.previous_release,
			      sizeof(ser.previous_release));
	return ret ? ret : kho_decode_number(d, "kexec_count", ser.kexec_count);
}
