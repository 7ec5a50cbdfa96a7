// SPDX-License-Identifier: GPL-2.0-or-later
/* Packed data that would exhaust memory or time: images in images, blocks of one byte. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "libkho/decompress.h"
#include "libkho/kho.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "test-unpack:%d: %s\n", __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

struct work {
	uint64_t bytes;		/* that were looked at */
	size_t asked;
};

static bool look(const unsigned char *data, size_t size, void *arg)
{
	struct work *work = arg;

	(void)data;
	work->asked++;
	work->bytes += size;
	return false;
}

/* With thousands of tiny blocks, libkho examines the output only now and then. */
static void test_tiny_blocks(void)
{
	enum { BLOCKS = 200000, SIZE = 4 + BLOCKS * 6 };
	unsigned char *in = malloc(SIZE), *out, *at = in;
	struct work work = { 0 };
	size_t size;

	CHECK(in);
	memcpy(at, "\x02\x21\x4c\x18", 4);
	at += 4;
	/* {u32 size, token: one literal, the literal} */
	for (size_t i = 0; i < BLOCKS; i++, at += 6)
		memcpy(at, "\2\0\0\0\x10" "a", 6);
	CHECK(!kho_decompress(in, SIZE, 64 << 20, look, &work, &out, &size));
	CHECK(size == BLOCKS && out[0] == 'a' && out[size - 1] == 'a');
	CHECK(work.asked && work.asked < 100 && work.bytes < 20 * (uint64_t)BLOCKS);
	free(out);
	free(in);
}

/* gzip of @zeros zero bytes; the first @stored are stored unpacked. */
static size_t pack_zeros(unsigned char *out, size_t room, size_t stored, size_t zeros)
{
	static const unsigned char nothing[1 << 16];
	z_stream z = { .next_out = out, .avail_out = (uInt)room };

	CHECK(deflateInit2(&z, 0, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	for (size_t done = 0; done < zeros; done += sizeof(nothing)) {
		if (done == stored)
			CHECK(deflateParams(&z, 9, Z_DEFAULT_STRATEGY) == Z_OK);
		z.next_in = (unsigned char *)nothing;
		z.avail_in = sizeof(nothing);
		CHECK(deflate(&z, Z_NO_FLUSH) == Z_OK && !z.avail_in);
	}
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack(unsigned char *out, size_t room, const unsigned char *in, size_t size)
{
	z_stream z = {
		.next_out = out, .avail_out = (uInt)room,
		.next_in = (unsigned char *)in, .avail_in = (uInt)size,
	};

	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/*
 * 20 KiB that become 12 MiB that become 100 MiB: each layer alone is within what a layer of its
 * size may have; together they are not within what the file may have.
 */
static void test_layers(void)
{
	const size_t room = 16 << 20;
	unsigned char *inner = malloc(room), *outer = malloc(room);
	struct kho_target target;
	struct kho_error err;
	size_t size;

	CHECK(inner && outer);
	size = pack_zeros(inner, room, 12 << 20, 100 << 20);
	CHECK(size > 12 << 20);
	size = pack(outer, room, inner, size);
	CHECK(size < 64 << 10);
	CHECK(kho_target_examine(outer, size, "layers", &target, &err) == KHO_ERR_CORRUPT);

	/* libkho unpacks a valid one within the bound to its end, and finds no kernel */
	size = pack_zeros(inner, room, 0, 2 << 20);
	size = pack(outer, room, inner, size);
	CHECK(kho_target_examine(outer, size, "sound", &target, &err) == KHO_ERR_UNSUPPORTED);
	free(inner);
	free(outer);
}

int main(void)
{
	test_tiny_blocks();
	test_layers();
	return 0;
}
