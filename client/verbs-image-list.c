/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* dist images: the images as a table, or with --tree the platforms and layers of each. */

#include "client/verbs-image-list.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>

static int read_image(sd_bus_message *reply, char **key, void *userdata) {
    DistTarget target = {"", "", 0};
    uint64_t created = 0, updated = 0, size = 0;
    const char *name;
    const DistField fields[] = {
        {"Target", "(sst)", &target}, {"Created", "t", &created}, {"Updated", "t", &updated},
        {"Size", "t", &size},         {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_autofree char *repository = NULL, *tag = NULL;
    dist_split_reference(name, &repository, &tag);
    dist_table_add(userdata, name, repository, tag, target.digest, (int64_t)created, (int64_t)size,
                   target.media_type, (int64_t)updated);
    *key = g_strdup(name);
    return 1;
}

static int read_layers(sd_bus_message *reply, void *lines) {
    const char *media_type, *digest;
    uint64_t size;
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'v', "a(sst)")) < 0 ||
        (r = sd_bus_message_enter_container(reply, 'a', "(sst)")) < 0)
        return r;
    while ((r = sd_bus_message_read(reply, "(sst)", &media_type, &digest, &size)) > 0) {
        g_autofree char *layer = dist_format_size(size);
        g_string_append_printf(lines, "    %s  %s\n", digest, layer);
    }
    if (r < 0 || (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    return sd_bus_message_exit_container(reply);
}

/* The pages of Describe have no names as keys: the next page begins after as many platforms as
 * there were before. */
static int print_platform(sd_bus_message *reply, char **key, void *userdata) {
    g_autoptr(GString) layers = g_string_new(NULL);
    DistTarget manifest = {"", "", 0};
    int complete = 0, unpacked = 0, r;
    unsigned *count = userdata;
    uint64_t bytes = 0;
    const char *of;
    const DistField fields[] = {
        {"Manifest", "(sst)", &manifest},      {"Size", "t", &bytes},
        {"Complete", "b", &complete},          {"Unpacked", "b", &unpacked},
        {"Layers", NULL, layers, read_layers}, {NULL, NULL, NULL},
    };

    if ((r = dist_dictionary_read_item(reply, &of, fields)) <= 0)
        return r;
    g_autofree char *text = dist_format_size(bytes);
    printf("  %s  %s  %s%s\n%s", of[0] ? of : manifest.media_type, manifest.digest,
           complete ? text : _("not here"), unpacked ? _(", unpacked") : "", layers->str);
    *key = g_strdup_printf("%u", ++*count);
    return 1;
}

static int take_name(sd_bus_message *reply, char **key, void *userdata) {
    const DistField fields[] = {{NULL, NULL, NULL}};
    const char *name;
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_ptr_array_add(userdata, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* The platforms of each image, as lines below its name. */
static bool print_trees(const DistListing *listing, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!dist_list(listing, take_name, names, error))
        return false;
    for (guint i = 0; i < names->len; i++) {
        const DistListing platforms = {DIST_IMAGES, "Describe", .of = names->pdata[i]};
        unsigned count = 0;
        puts(names->pdata[i]);
        if (!dist_list(&platforms, print_platform, &count, error))
            return false;
    }
    return true;
}

typedef struct {
    const char *pattern;
    char *const *labels;
} ImageFilter;

static int append_image_filter(sd_bus_message *call, const void *userdata) {
    const ImageFilter *filter = userdata;
    /* The size is a sum over all contents of each image: ask for it only if it is shown. */
    bool has_size = !dist_settings.quiet;
    int r = has_size ? sd_bus_message_append(call, "{sv}", "Properties", "as", 4, "Target",
                                             "Created", "Updated", "Size")
                     : sd_bus_message_append(call, "{sv}", "Properties", "as", 1, "Target");

    if (r < 0 || (r = sd_bus_message_open_container(call, 'e', "sv")) < 0 ||
        (r = sd_bus_message_append(call, "s", "Filter")) < 0 ||
        (r = sd_bus_message_open_container(call, 'v', "a{sv}")) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (filter->pattern &&
         (r = sd_bus_message_append(call, "{sv}", "Name", "s", filter->pattern)) < 0) ||
        (r = dist_append_labels(call, "Labels", filter->labels)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static struct {
    gboolean tree;
    char **labels;
} images_given;

const DistOption dist_images_options[] = {
    {"tree", 't', DIST_OPTION_FLAG, &images_given.tree, N_("Show platforms and layers"), NULL},
    {"label", 0, DIST_OPTION_LIST, &images_given.labels, N_("List only those with this label"),
     N_("KEY[=VALUE]")},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

int dist_verb_images(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const DistColumn columns[] = {
        {"name", NULL, DIST_CELL_TEXT},
        {"repository", _("NAME"), DIST_CELL_TEXT},
        {"tag", _("TAG"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), DIST_CELL_DIGEST},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {"size", _("SIZE"), DIST_CELL_SIZE},
        {"mediaType", NULL, DIST_CELL_TEXT},
        {"updated", NULL, DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    const ImageFilter filter = {argc > 1 ? argv[1] : NULL, images_given.labels};
    const DistListing images = {DIST_IMAGES, "List", .filter = append_image_filter,
                                .filter_data = &filter};
    if (images_given.tree && dist_settings.json == DIST_JSON_OFF)
        return print_trees(&images, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&images, read_image, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
