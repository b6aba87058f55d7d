/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist images: the images as a table, or with --tree the platforms and layers of each. The service
 * filters by name and label; before and since are applied here, to the rows received.
 */

#include "client/verbs-image-list.h"

#include "client/bus.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/list-filter.h"
#include "client/listing.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const DistFilterName image_filters[] = {
    {"reference", "Name", DIST_FILTER_PART},  {"label", "Labels", DIST_FILTER_LABEL},
    {"before", NULL, DIST_FILTER_ADDITION},   {"since", NULL, DIST_FILTER_ADDITION},
    {"dangling", NULL, DIST_FILTER_ADDITION}, {NULL},
};

/* The rows of images, and the range of creation times to show. */
typedef struct {
    DistTable *table;
    const char *wanted; /* the argument; NULL for all */
    uint64_t before, since;
} ImageRows;

static bool has_wildcards(const char *text) {
    return strpbrk(text, "*?");
}

/* Whether the whole name or its last components are wanted. */
static bool name_ends_with(const char *name, const char *wanted) {
    const char *at = g_str_has_suffix(name, wanted) ? name + strlen(name) - strlen(wanted) : NULL;

    return at && (at == name || at[-1] == '/');
}

/* As in docker: "alpine", "library/alpine" and "alpine:3" are docker.io/library/alpine:3. */
static bool image_is_wanted(const char *name, const char *wanted) {
    g_autofree char *repository = NULL, *tag = NULL;

    if (!wanted || has_wildcards(wanted))
        return true;
    dist_split_reference(name, &repository, &tag);
    return name_ends_with(name, wanted) || name_ends_with(repository, wanted);
}

static int read_image(sd_bus_message *reply, char **key, void *userdata) {
    const ImageRows *rows = userdata;
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
    *key = g_strdup(name);
    /* The image is left out, but its name is still the key of the next page. */
    if (!image_is_wanted(name, rows->wanted) || created >= rows->before ||
        (dist_filter_find("since") && created <= rows->since))
        return 1;
    g_autofree char *repository = NULL, *tag = NULL;
    dist_split_reference(name, &repository, &tag);
    dist_table_add(rows->table, name, repository, tag, target.digest, (int64_t)created,
                   (int64_t)size, target.media_type, (int64_t)updated);
    return 1;
}

/* Reads a property's value, inside a variant. Layers are appended to lines, since the line of their
 * platform comes first and has values that follow in the message. */
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

/* The pages of Describe are not keyed by name: the next page begins after the number of platforms
 * seen so far. */
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
    /* The image says what its platform and its media type are. */
    g_autofree char *platform = dist_format_text(of[0] ? of : manifest.media_type, "");
    printf("  %s  %s  %s%s\n%s", platform, manifest.digest, complete ? text : _("not here"),
           unpacked ? _(", unpacked") : "", layers->str);
    *key = g_strdup_printf("%u", ++*count);
    return 1;
}

typedef struct {
    GPtrArray *names;
    const char *wanted; /* as in ImageRows */
} ImageNames;

static int take_name(sd_bus_message *reply, char **key, void *userdata) {
    const DistField fields[] = {{NULL, NULL, NULL}};
    const ImageNames *images = userdata;
    const char *name;
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    if (image_is_wanted(name, images->wanted))
        g_ptr_array_add(images->names, g_strdup(name));
    *key = g_strdup(name);
    return 1;
}

/* Prints the platforms of each image as lines below its name. */
static bool print_trees(const DistListing *listing, const char *wanted, GError **error) {
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    ImageNames images = {names, wanted};

    if (!dist_list(listing, take_name, &images, error))
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

static int append_image_filter(sd_bus_message *call, const void *userdata) {
    /* The size is a sum over all contents of each image, so it is requested only if it is shown. */
    bool has_size = !dist_settings.quiet;
    int r = has_size ? sd_bus_message_append(call, "{sv}", "Properties", "as", 4, "Target",
                                             "Created", "Updated", "Size")
                     : sd_bus_message_append(call, "{sv}", "Properties", "as", 1, "Target");

    return r < 0 ? r : dist_filter_append(call, image_filters, userdata);
}

/* The creation time of the image that a filter names; limit if there is no such filter. */
static bool image_read_moment(const char *filter, uint64_t limit, uint64_t *moment,
                              GError **error) {
    const char *image = dist_filter_find(filter);
    const DistField fields[] = {{"Created", "t", moment}, {NULL, NULL, NULL}};

    *moment = limit;
    if (!image)
        return true;
    g_autofree char *name = dist_complete_reference(image);
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Get", "sa{sv}", name, 0);
    int r = reply ? dist_dictionary_read(reply, fields) : 0;
    return reply && (r >= 0 || dist_bad_reply(r, error));
}

static struct {
    gboolean tree, digests;
    char **labels;
} images_given;

const DistOption dist_images_options[] = {
    {"tree", 't', DIST_OPTION_FLAG, &images_given.tree, N_("Show platforms and layers"), NULL},
    /* docker's, for intermediate images, which do not exist here. */
    {"all", 'a', DIST_OPTION_FLAG, NULL, N_("Without effect: all images are shown"), NULL},
    {"digests", 0, DIST_OPTION_FLAG, &images_given.digests,
     N_("Show whole digests; without it, their first digits"), NULL},
    {"label", 0, DIST_OPTION_LIST, &images_given.labels, N_("List only those with this label"),
     N_("KEY[=VALUE]")},
    DIST_OPTION_INCLUDE(dist_filter_options),
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

int dist_verb_images(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const DistColumn columns[] = {
        {"name", NULL, DIST_CELL_TEXT},
        {"repository", _("NAME"), DIST_CELL_TEXT},
        {"tag", _("TAG"), DIST_CELL_TEXT},
        {"digest", _("DIGEST"), images_given.digests ? DIST_CELL_TEXT : DIST_CELL_DIGEST},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {"size", _("SIZE"), DIST_CELL_SIZE},
        {"mediaType", NULL, DIST_CELL_TEXT},
        {"updated", NULL, DIST_CELL_TIME},
        {NULL, NULL, 0},
    };

    const char *wanted = argc > 1 ? argv[1] : NULL;
    /* The service takes patterns of whole names. */
    g_autofree char *pattern =
        wanted && !has_wildcards(wanted) ? g_strconcat("*", wanted, "*", NULL) : g_strdup(wanted);
    const DistExtraFilters filter = {pattern, images_given.labels};
    ImageRows rows = {.wanted = wanted};
    const DistListing images = {DIST_IMAGES, "List", .filter = append_image_filter,
                                .filter_data = &filter};
    if (!dist_filter_check(image_filters, error) ||
        !image_read_moment("before", UINT64_MAX, &rows.before, error) ||
        !image_read_moment("since", 0, &rows.since, error))
        return EXIT_FAILURE;
    if (filter.pattern && dist_filter_find("reference")) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "%s",
                        _("a pattern and --filter reference=… cannot be given together"));
        return EXIT_FAILURE;
    }
    if (images_given.tree && dist_settings.json == DIST_JSON_OFF)
        return print_trees(&images, wanted, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    rows.table = table;
    /* There are no images without a name: "dist prune" deletes their contents. */
    if (g_strcmp0(dist_filter_find("dangling"), "true") != 0 &&
        !dist_list(&images, read_image, &rows, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}
