// SPDX-License-Identifier: LGPL-2.1-or-later
/* The "kexec-metadata" subtree, see abi/subtrees.h. */
#include "decode.h"
#include "abi/subtrees.h"

int kho_decode_metadata(struct kho_decoder *d, const struct kho_subtree *subtree)
{
	struct kho_metadata_ser ser;
	int ret;

	/* its version is not to be believed then */
	if (subtree->size < sizeof(ser))
		return kho_decode_raw(d, subtree);
	ret = kho_decode_read(d, subtree->addr, &ser, sizeof(ser));
	if (!ret)
		ret = kho_decode_number(d, "version", ser.version);
	if (ret || ser.version != KHO_METADATA_VERSION)
		return ret ? ret : kho_decode_raw(d, subtree);
	ret = kho_decode_text(d, "previous_release", ser.previous_release,
			      sizeof(ser.previous_release));
	return ret ? ret : kho_decode_number(d, "kexec_count", ser.kexec_count);
}
