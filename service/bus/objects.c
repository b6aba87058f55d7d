/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The registry of the kinds of objects, and the code that walks through them: listings, and the
 * children in introspection data. The registry is filled while the service starts and only read
 * afterwards; it owns nothing, since kinds are static. A BerthObject is a view of something that
 * its kind owns, valid for one visit. The one thing to know: sd-bus itself replies to Introspect,
 * identically for every caller. A handler that runs first determines what the caller may see, and
 * the enumerators list only that.
 */

#include "bus/objects.h"

#include "base/limits.h"
#include "bus/dispatch.h"

#include <string.h>

enum { MAX_KINDS = 16 };

static const BerthObjectKind *kinds[MAX_KINDS + 1];

/* The caller of Introspect. The handler sets it and passes the call on to sd-bus, which calls the
 * enumerators in the same iteration of the loop, before any other message. */
static struct {
    sd_bus_message *call;
    BerthService *service;
    BerthViewer viewer;
} introspection;

char *berth_object_make_path(const BerthObjectKind *kind, const char *name) {
    char *path = NULL;

    if (kind->plain)
        return g_strconcat(kind->path, "/", name, NULL);
    return sd_bus_path_encode(kind->path, name, &path) < 0 ? NULL : path;
}

char *berth_object_read_path(const BerthObjectKind *kind, const char *path) {
    size_t length = strlen(kind->path);
    char *name = NULL;

    if (!g_str_has_prefix(path, kind->path) || path[length] != '/' ||
        strchr(path + length + 1, '/'))
        return NULL;
    if (kind->plain)
        return g_strdup(path + length + 1);
    return sd_bus_path_decode(path, kind->path, &name) > 0 ? name : NULL;
}

int berth_object_read_name(const BerthObjectKind *kind, sd_bus_message *call, char **name) {
    const char *text;

    if (!g_str_equal(sd_bus_message_get_path(call), kind->path)) {
        char *decoded = berth_object_read_path(kind, sd_bus_message_get_path(call));
        *name = decoded ? decoded : g_strdup("");
        return 1;
    }
    int r = sd_bus_message_read(call, "s", &text);
    if (r >= 0)
        *name = g_strdup(text);
    return r;
}

static const BerthObjectKind *find_kind_at(const char *path) {
    for (const BerthObjectKind **kind = kinds; *kind; kind++)
        if (g_str_equal((*kind)->path, path))
            return *kind;
    return NULL;
}

/* The collection has all interfaces registered for its path, except that of its objects. */
int berth_objects_find_collection(sd_bus *bus, const char *path, const char *interface,
                                  void *userdata, void **found, sd_bus_error *error) {
    const BerthObjectKind *kind = find_kind_at(path);

    (void)bus;
    (void)error;
    *found = userdata;
    return kind && !g_str_equal(kind->interface, interface);
}

/* Finds the object whether it exists or not: sd-bus's reply for an unknown object would reveal,
 * without any check, that it does not exist. */
int berth_objects_find_below(sd_bus *bus, const char *path, const char *interface, void *userdata,
                             void **found, sd_bus_error *error) {
    (void)bus;
    (void)error;
    *found = userdata;
    for (const BerthObjectKind **kind = kinds; *kind; kind++)
        if (g_str_equal((*kind)->interface, interface)) {
            g_autofree char *name = berth_object_read_path(*kind, path);
            return name && name[0];
        }
    return 0;
}

int berth_object_append(sd_bus_message *message, BerthService *service, const BerthViewer *viewer,
                        const BerthObject *object, const char *const *names) {
    const BerthObjectKind *kind = object->kind;
    g_autofree char *path = berth_object_make_path(kind, object->name);
    BerthView view = {.service = service, .viewer = *viewer, .object = object->data};

    return berth_properties_append(service->bus, message, path, kind->interface, kind->vtable,
                                   &view, names);
}

int berth_object_append_managed(sd_bus_message *message, BerthService *service,
                                const BerthViewer *viewer, const BerthObject *object) {
    g_autofree const char **names = berth_properties_list_managed(object->kind->vtable);
    g_autoptr(sd_bus_message) part = NULL;
    int r;

    if ((r = berth_part_new(message, &part)) < 0 ||
        (r = berth_object_append(part, service, viewer, object, names)) < 0)
        return r;
    return berth_part_copy(message, part, BERTH_MAX_ITEM_BYTES);
}

/* A visit that adds each object to a page as an element. */
typedef struct {
    BerthService *service;
    const BerthViewer *viewer;
    BerthPage *page;
    const char *const *names; /* of the properties to show; NULL: all */
} Listing;

/* Appends one object as (sa{sv}), the type that filters need. */
static int append_row(sd_bus_message *item, const Listing *listing, const BerthObject *object) {
    int r;

    if ((r = sd_bus_message_open_container(item, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(item, "s", object->name)) < 0 ||
        (r = berth_object_append(item, listing->service, listing->viewer, object, listing->names)) <
            0)
        return r;
    return sd_bus_message_close_container(item);
}

static int list_object(const BerthObject *object, void *userdata) {
    const Listing *listing = userdata;
    sd_bus_message *item;
    int r;

    /* A name that has to be truncated would keep the client from ever reaching the next page. */
    if (strlen(object->name) > BERTH_MAX_TEXT_BYTES)
        return 1;
    if ((r = berth_page_begin(listing->page, &item)) < 0 ||
        (r = append_row(item, listing, object)) < 0)
        return r;
    return berth_page_add(listing->page);
}

/* Returns the properties that a listing needs: those of the option Properties, and those that the
 * filter looks at. The caller frees the array, but not the strings. NULL: all properties. */
static const char **list_object_names(char *const *chosen, const BerthPage *page) {
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GVariantIter iterator;
    const char *key;

    if (!chosen)
        return NULL;
    for (; *chosen; chosen++)
        g_ptr_array_add(names, *chosen);
    if (page->filter.wanted) {
        g_variant_iter_init(&iterator, page->filter.wanted);
        while (g_variant_iter_next(&iterator, "{&sv}", &key, NULL))
            g_ptr_array_add(names, (char *)key);
    }
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

int berth_objects_method_list(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;
    const BerthObjectKind *kind = find_kind_at(sd_bus_message_get_path(call));
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    g_auto(GStrv) chosen = NULL;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {"Properties", "as", &chosen}, {NULL}};
    BerthViewer viewer;
    int r = berth_options_read(call, options, error);

    if (r < 0)
        return r;
    /* The method is registered only for the paths of kinds. */
    g_assert(kind);
    if (kind->list_check && (r = berth_access_check(service->access, call, error, kind->list_check,
                                                    NULL)) != BERTH_ACCESS_GRANTED)
        return r;
    if ((r = berth_viewer_find(call, service, &viewer)) != BERTH_ACCESS_GRANTED)
        return r;
    viewer.images = kind->list_check != NULL;
    g_autofree const char **names = list_object_names(chosen, &page);
    Listing listing = {service, &viewer, &page, names};
    if ((r = berth_page_open(&page, call, "(sa{sv})")) > 0)
        r = kind->visit(service, &viewer, page.after, list_object, &listing);
    return berth_page_send(&page, r);
}

/* Passes the call on to sd-bus (by returning 0) once the rights of the caller are known. */
static int prepare_introspection(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthViewer viewer;
    int r = berth_viewer_find(call, userdata, &viewer);

    (void)error;
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    introspection.call = call;
    introspection.service = userdata;
    introspection.viewer = viewer;
    return 0;
}

/* First clears the viewer that an earlier call has left behind. */
static int on_introspect(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    BerthService *service = userdata;

    introspection.call = NULL;
    return sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Introspectable", "Introspect")
               ? berth_access_run(service->access, call, prepare_introspection, service, error)
               : 0;
}

typedef struct {
    GPtrArray *paths;
    size_t bytes;
} Children;

/* Returns 0, which ends the visit, once the names fill half of a reply: the rest is for the XML of
 * the interfaces. 32 bytes are for the XML around a name. */
static int add_child(const BerthObject *object, void *userdata) {
    Children *children = userdata;
    char *path = strlen(object->name) > BERTH_MAX_TEXT_BYTES
                     ? NULL
                     : berth_object_make_path(object->kind, object->name);

    if (!path)
        return 1;
    children->bytes += strlen(path) + 32;
    g_ptr_array_add(children->paths, path);
    return children->bytes < BERTH_MAX_REPLY_BYTES / 2;
}

/* sd-bus frees the names with free(3), which GLib's allocator permits. The message is compared
 * because sd-bus also calls enumerators for purposes other than Introspect; nothing is listed
 * then. */
static int enumerate_kind(sd_bus *bus, const char *prefix, void *userdata, char ***nodes,
                          sd_bus_error *error) {
    const BerthObjectKind *kind = userdata;
    Children children = {g_ptr_array_new(), 0};
    int r = 1;

    (void)prefix;
    (void)error;
    if (introspection.call && sd_bus_get_current_message(bus) == introspection.call)
        r = kind->visit(introspection.service, &introspection.viewer, "", add_child, &children);
    g_ptr_array_add(children.paths, NULL);
    *nodes = (char **)g_ptr_array_free(children.paths, FALSE);
    return MIN(r, 0);
}

int berth_objects_add_kind(BerthService *service, const BerthObjectKind *kind,
                           const BerthPropertySource *source) {
    size_t count = 0;
    int r;

    while (kinds[count])
        count++;
    g_assert(count < MAX_KINDS);
    kinds[count] = kind;
    if ((r = sd_bus_add_object(service->bus, NULL, kind->path, on_introspect, service)) < 0 ||
        (r = sd_bus_add_node_enumerator(service->bus, NULL, kind->path, enumerate_kind,
                                        (void *)kind)) < 0 ||
        (r = berth_properties_add(service, kind->path, true, source)) < 0)
        return r;
    return berth_dispatch_add(service, kind->path, source->interface, source->vtable,
                              berth_objects_find_below);
}

int berth_objects_add_single(BerthService *service, const char *path,
                             const BerthPropertySource *source) {
    int r = berth_properties_add(service, path, false, source);

    return r < 0 ? r : berth_dispatch_add(service, path, source->interface, source->vtable, NULL);
}

int berth_objects_add_collection(BerthService *service, const char *path, const char *interface,
                                 const sd_bus_vtable *vtable) {
    return berth_dispatch_add(service, path, interface, vtable, berth_objects_find_collection);
}

const BerthObjectKind *berth_objects_get_kind(const char *interface) {
    for (const BerthObjectKind **kind = kinds; *kind; kind++)
        if (g_str_equal((*kind)->interface, interface))
            return *kind;
    g_assert_not_reached();
}

/* Stops at the first kind whose visit stops. */
int berth_objects_visit_all(BerthService *service, const BerthViewer *viewer,
                            BerthObjectVisit visit, void *userdata) {
    int r = 1;

    for (const BerthObjectKind **kind = kinds; r > 0 && *kind; kind++)
        r = (*kind)->visit_urgent ? (*kind)->visit_urgent(service, viewer, visit, userdata)
                                  : (*kind)->visit(service, viewer, "", visit, userdata);
    return r;
}
