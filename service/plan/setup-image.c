/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The image of a set-up: structures and lists first, then all texts, with offsets instead of
 * pointers. berth_setup_layout says where the pointers are. A launcher maps the image as it is. The
 * caller owns it; the Image object lives for one call.
 */

#include "plan/setup-image.h"

#include <string.h>

/* For every list in the image; no structure of a set-up needs more. */
enum { ALIGNMENT = 8 };

/* The image under construction. Since texts follow the structures and lists, their final offsets
 * are not known yet, so the positions of these offsets are noted. */
typedef struct {
    GByteArray *image, *texts;
    GArray *places; /* of gsize: positions in the image of offsets into texts */
} Image;

/* Uses memcpy(3), since GLib may move the buffer, which would invalidate a pointer into it. */
static void set_offset(Image *image, gsize place, uintptr_t offset) {
    memcpy(image->image->data + place, &offset, sizeof offset);
}

/* The offset is relative to the texts until berth_setup_image_make() knows where they begin. */
static void add_text(Image *image, gsize place, const char *text) {
    set_offset(image, place, image->texts->len);
    g_byte_array_append(image->texts, (const guint8 *)text, (guint)strlen(text) + 1);
    g_array_append_val(image->places, place);
}

static void add_array(Image *image, gsize place, const char *first, uint32_t count,
                      const BerthSetupReference *reference);

/* Follows the references of a structure that is already in the image but still has pointers of this
 * process. Positions are offsets, since the image moves when it grows. */
static void add_references(Image *image, gsize structure, const BerthSetupLayout *layout) {
    for (size_t i = 0; i < layout->reference_count; i++) {
        const BerthSetupReference *reference = &layout->references[i];
        gsize place = structure + reference->pointer;
        const char *pointer;
        uint32_t count = 0;
        memcpy(&pointer, image->image->data + place, sizeof pointer);
        if (reference->element)
            memcpy(&count, image->image->data + structure + reference->count, sizeof count);
        if (!pointer || (reference->element && count == 0 && !reference->ends_with_null))
            set_offset(image, place, 0);
        else if (reference->element)
            add_array(image, place, pointer, count, reference);
        else
            add_text(image, place, pointer);
    }
}

static void add_array(Image *image, gsize place, const char *first, uint32_t count,
                      const BerthSetupReference *reference) {
    const BerthSetupLayout *element = reference->element;
    gsize size = (count + (reference->ends_with_null ? 1u : 0u)) * element->size;
    gsize offset = image->image->len;

    g_byte_array_append(image->image, (const guint8 *)first, (guint)size);
    /* setup.c refuses a list that is not aligned. */
    while (image->image->len % ALIGNMENT != 0)
        g_byte_array_append(image->image, (const guint8 *)"", 1);
    set_offset(image, place, offset);
    for (uint32_t i = 0; i < count; i++)
        add_references(image, offset + i * element->size, element);
}

/* Texts follow the structures, so each of their offsets grows by the size of the image before them.
 * The total size is known last. */
GByteArray *berth_setup_image_make(const BerthSetup *setup) {
    g_autoptr(GByteArray) texts = g_byte_array_new();
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(gsize));
    Image image = {g_byte_array_new(), texts, places};

    g_byte_array_append(image.image, (const guint8 *)setup, sizeof *setup);
    add_references(&image, 0, &berth_setup_layout);
    for (guint i = 0; i < places->len; i++) {
        gsize place = g_array_index(places, gsize, i);
        uintptr_t offset;
        memcpy(&offset, image.image->data + place, sizeof offset);
        set_offset(&image, place, offset + image.image->len);
    }
    g_byte_array_append(image.image, texts->data, texts->len);
    ((BerthSetup *)image.image->data)->bytes = image.image->len;
    return image.image;
}
