/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists of processors or memory nodes, "0-3,7", as the bits that systemd takes (AllowedCPUs=). */

#pragma once

#include "base/error.h"

#define BERTH_CPU_LIST_BYTES 1024

/* size: the number of bytes that are used. False if text is no such list, or names more than
 * fit. */
bool berth_cpu_list_parse(const char *text, uint8_t bits[BERTH_CPU_LIST_BYTES], size_t *size);
