/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists of processors or memory nodes, "0-3,7", as the bit masks that systemd takes
 * (AllowedCPUs=).
 */

#pragma once

#include "base/error.h"

#define BERTH_CPU_LIST_BYTES 1024

/* Sets *size to the number of bytes used. Returns false if text is not a valid list, or if a number
 * in it is too large for bits. */
bool berth_cpu_list_parse(const char *text, uint8_t bits[BERTH_CPU_LIST_BYTES], size_t *size);
