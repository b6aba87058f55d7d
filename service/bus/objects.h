/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The objects of /org/berth1 as far as they are alike: their paths, the clients that see them, and
 * how they are listed, introspected and found through the object manager. The files that have the
 * vtables add their kinds at the start of the service (berth_objects_add_kind).
 */

#pragma once

#include "bus/page.h"
#include "bus/properties.h"

typedef struct BerthObjectKind BerthObjectKind;

/* One object, for as long as it is visited or a signal about it is made. */
typedef struct {
    const BerthObjectKind *kind;
    const char *name;
    bool owned; /* by a user, who may always see it */
    uint32_t owner;
    void *data; /* the kind's own: what the getters find in a view */
} BerthObject;

/* 1 to continue, 0 to stop; negative errno. */
typedef int (*BerthObjectVisit)(const BerthObject *object, void *userdata);

struct BerthObjectKind {
    const char *interface;
    const char *path;   /* of the collection; its objects are below */
    const char *detail; /* the key of its name among polkit's details */
    const char *action; /* that a client needs for an object that it does not own */
    bool plain;         /* names are their labels in the path, without sd_bus_path_encode(3) */
    /* The check that a caller needs to list any, after which it sees images; NULL: none. */
    const char *list_check;
    const sd_bus_vtable *vtable;
    /* Calls visit for what the viewer sees, in the order of a listing, from after the name "after"
     * on ("": from the first). Returns as the last call did, 1 without any. */
    int (*visit)(BerthService *service, const BerthViewer *viewer, const char *after,
                 BerthObjectVisit visit, void *userdata);
    /* The same for a reply that has no pages and may not hold all: the most important objects
     * first. NULL: as visit. */
    int (*visit_urgent)(BerthService *service, const BerthViewer *viewer, BerthObjectVisit visit,
                        void *userdata);
};

/* Registers all objects of a kind, with their properties, methods and signals; the vtable of source
 * is the kind's. Kind and source are static. Negative errno, as of the two below. */
int berth_objects_add_kind(BerthService *service, const BerthObjectKind *kind,
                           const BerthPropertySource *source);
/* The object of which there is one, at path. */
int berth_objects_add_single(BerthService *service, const char *path,
                             const BerthPropertySource *source);
/* The methods of a collection, whose path is a kind's. */
int berth_objects_add_collection(BerthService *service, const char *path, const char *interface,
                                 const sd_bus_vtable *vtable);

/* The kind that was added with this interface; for files that the one with the kind depends on. */
const BerthObjectKind *berth_objects_get_kind(const char *interface);

/* Visits the objects of all kinds that the viewer sees, in the order in which the kinds were added;
 * returns as BerthObjectKind's visit(). */
int berth_objects_visit_all(BerthService *service, const BerthViewer *viewer,
                            BerthObjectVisit visit, void *userdata);

char *berth_object_make_path(const BerthObjectKind *kind, const char *name);
/* NULL: the path is none of that kind. */
char *berth_object_read_path(const BerthObjectKind *kind, const char *path);

/* The name for a method that both have: the object's from its path, otherwise the first argument.
 * Caller frees. */
int berth_object_read_name(const BerthObjectKind *kind, sd_bus_message *call, char **name);

/* Appends the properties of an object as a{sv}, as this viewer sees them. names: of those; NULL: of
 * all. */
int berth_object_append(sd_bus_message *message, BerthService *service, const BerthViewer *viewer,
                        const BerthObject *object, const char *const *names);
/* The same for InterfacesAdded and GetManagedObjects, which have whole objects but leave out
 * properties that are explicit (sd_bus_add_object_vtable(3)). */
int berth_object_append_managed(sd_bus_message *message, BerthService *service,
                                const BerthViewer *viewer, const BerthObject *object);

/* For sd-bus, with the kind's path: the collection, and each object below it whether it is there or
 * not, so that the answers of sd-bus itself do not show which it is. */
int berth_objects_find_collection(sd_bus *bus, const char *path, const char *interface,
                                  void *userdata, void **found, sd_bus_error *error);
int berth_objects_find_below(sd_bus *bus, const char *path, const char *interface, void *userdata,
                             void **found, sd_bus_error *error);

/* The method List of a collection: answers with a page of what the caller sees, as a(sa{sv}). The
 * path of the call decides the kind. */
int berth_objects_method_list(sd_bus_message *call, void *userdata, sd_bus_error *error);
#define BERTH_OBJECTS_LIST(result)                                                                 \
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options),                                 \
                            SD_BUS_RESULT("a(sa{sv})", result), berth_objects_method_list,         \
                            SD_BUS_VTABLE_UNPRIVILEGED)
