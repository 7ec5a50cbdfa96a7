#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A driver that uses the API like the SMMUv3's.

bats_require_minimum_version 1.5.0
load helpers
load consumer-helpers

@test "four generations of a driver like the SMMUv3's, on both load paths" {
	consumer_generations
}
