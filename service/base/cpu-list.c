/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts the kernel's list format ("0-3,7"), which config.json also uses, to the bit mask that
 * systemd's properties take. There is no state.
 */

#include "base/cpu-list.h"

#include <string.h>

bool berth_cpu_list_parse(const char *text, uint8_t bits[BERTH_CPU_LIST_BYTES], size_t *size) {
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    guint64 last = 0;

    memset(bits, 0, BERTH_CPU_LIST_BYTES);
    for (char **part = parts; *part; part++) {
        char *end;
        guint64 from = g_ascii_strtoull(*part, &end, 10), to = from;
        if (*end == '-')
            to = g_ascii_strtoull(end + 1, &end, 10);
        if (!g_ascii_isdigit((*part)[0]) || *end != '\0' || to < from ||
            to >= BERTH_CPU_LIST_BYTES * 8)
            return false;
        for (guint64 i = from; i <= to; i++)
            bits[i / 8] |= (uint8_t)(1u << (i % 8));
        last = MAX(last, to);
    }
    *size = last / 8 + 1;
    return parts[0] != NULL;
}
