/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Relocates a set-up with arbitrary offsets and counts, and reads what it refers to: nothing
 * outside the image is read.
 */

#include "bare/setup.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

/* Reads everything that a set-up refers to, as a launcher does. */
static size_t read_texts(const BerthTexts *list) {
    size_t sum = 0;

    for (uint32_t i = 0; i < list->count; i++)
        sum += list->texts[i] ? strlen(list->texts[i]) : 0;
    return sum;
}

static size_t read_mounts(const BerthSetup *setup) {
    size_t sum = 0;

    for (uint32_t i = 0; i < setup->mount_count; i++) {
        const BerthMount *mount = &setup->mounts[i];
        sum += mount->destination ? strlen(mount->destination) : 0;
        for (uint32_t j = 0; j < mount->data.count; j++)
            sum += mount->data.pairs[j].name ? strlen(mount->data.pairs[j].name) : 0;
        for (uint32_t j = 0; j < mount->uid_ranges.count; j++)
            sum += mount->uid_ranges.ranges[j].count;
    }
    return sum;
}

/* Volatile, so that the compiler does not optimize the reads away. */
static volatile size_t fuzz_setup_sum;

/* The header is made valid, so that what follows it is examined. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size <= sizeof(BerthSetup))
        return 0;
    char *image = malloc(size);
    BerthSetup *setup = (BerthSetup *)image;
    memcpy(image, data, size);
    setup->magic = BERTH_SETUP_MAGIC;
    setup->version = BERTH_SETUP_VERSION;
    setup->size = sizeof *setup;
    setup->bytes = size;
    if (berth_setup_relocate(image, size)) {
        fuzz_setup_sum =
            read_texts(&setup->arguments) + read_texts(&setup->environment) + read_mounts(setup);
        for (int stage = 0; stage < BERTH_HOOK_COUNT; stage++)
            for (uint32_t i = 0; i < setup->hooks[stage].count; i++)
                fuzz_setup_sum += read_texts(&setup->hooks[stage].hooks[i].arguments);
    }
    free(image);
    return 0;
}
