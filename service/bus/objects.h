/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The common parts of all objects below /org/berth1: their paths, which clients see them, and how
 * they are listed, introspected and found through the object manager. The files that have the
 * vtables register their kinds when the service starts (berth_objects_add_kind).
 */

#pragma once

#include "bus/page.h"
#include "bus/properties.h"

typedef struct BerthObjectKind BerthObjectKind;

/* One object, valid while it is visited or while a signal about it is sent. */
typedef struct {
    const BerthObjectKind *kind;
    const char *name;
    bool owned; /* has an owner, who may always see it */
    uint32_t owner;
    void *data; /* private to the kind; passed to getters in a view */
} BerthObject;

/* Returns 1 to continue, 0 to stop, or a negative errno. */
typedef int (*BerthObjectVisit)(const BerthObject *object, void *userdata);

struct BerthObjectKind {
    const char *interface;
    const char *path;   /* of the collection; its objects are below */
    const char *detail; /* the detail in polkit's questions that has its name */
    const char *action; /* that a client needs to see an object of another user */
    bool plain;         /* names are used as path labels unencoded, without sd_bus_path_encode(3) */
    /* The check that a caller must pass to list any object, and with which it sees images; NULL:
     * none. */
    const char *list_check;
    const sd_bus_vtable *vtable;
    /* Calls visit for each object that the viewer sees, in the order of a listing, starting after
     * the name "after" ("": with the first). Returns the result of the last call, or 1 if there was
     * none. */
    int (*visit)(BerthService *service, const BerthViewer *viewer, const char *after,
                 BerthObjectVisit visit, void *userdata);
    /* Like visit, for a reply without paging that may not have room for all: the most important
     * objects come first. NULL: as visit. */
    int (*visit_urgent)(BerthService *service, const BerthViewer *viewer, BerthObjectVisit visit,
                        void *userdata);
};

/* Registers all objects of a kind with their properties, methods and signals; the vtable of source
 * is the kind's. Kind and source are static. This and the two functions below return a negative
 * errno on failure. */
int berth_objects_add_kind(BerthService *service, const BerthObjectKind *kind,
                           const BerthPropertySource *source);
/* Registers a single object at path. */
int berth_objects_add_single(BerthService *service, const char *path,
                             const BerthPropertySource *source);
/* Registers the methods of a collection, whose path is that of a kind. */
int berth_objects_add_collection(BerthService *service, const char *path, const char *interface,
                                 const sd_bus_vtable *vtable);

/* Returns the kind registered with this interface; for files that the kind's own file depends
 * on. */
const BerthObjectKind *berth_objects_get_kind(const char *interface);

/* Visits the objects of all kinds that the viewer sees, in the order in which the kinds were
 * registered. Returns like the visit() of BerthObjectKind. */
int berth_objects_visit_all(BerthService *service, const BerthViewer *viewer,
                            BerthObjectVisit visit, void *userdata);

/* Returns the path of the object with this name. The caller frees it. */
char *berth_object_make_path(const BerthObjectKind *kind, const char *name);
/* Returns the name in a path; NULL if the path does not belong to that kind. */
char *berth_object_read_path(const BerthObjectKind *kind, const char *path);

/* Reads the name for a method shared by a collection and its objects: from the object's path,
 * otherwise from the first argument. The caller frees it. */
int berth_object_read_name(const BerthObjectKind *kind, sd_bus_message *call, char **name);

/* Appends the properties of an object as a{sv}, as this viewer sees them: those in names, or all if
 * it is NULL. */
int berth_object_append(sd_bus_message *message, BerthService *service, const BerthViewer *viewer,
                        const BerthObject *object, const char *const *names);
/* Like berth_object_append, for InterfacesAdded and GetManagedObjects, which have complete objects
 * without the properties marked as explicit (sd_bus_add_object_vtable(3)). */
int berth_object_append_managed(sd_bus_message *message, BerthService *service,
                                const BerthViewer *viewer, const BerthObject *object);

/* Lookup functions for sd-bus: they find the collection, and each object below it whether it
 * exists or not, so that sd-bus's own replies do not reveal which of the two it is. */
int berth_objects_find_collection(sd_bus *bus, const char *path, const char *interface,
                                  void *userdata, void **found, sd_bus_error *error);
int berth_objects_find_below(sd_bus *bus, const char *path, const char *interface, void *userdata,
                             void **found, sd_bus_error *error);

/* The method List of a collection: replies with a page of the objects that the caller sees, as
 * a(sa{sv}). The path of the call determines the kind. */
int berth_objects_method_list(sd_bus_message *call, void *userdata, sd_bus_error *error);
#define BERTH_OBJECTS_LIST(result)                                                                 \
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options),                                 \
                            SD_BUS_RESULT("a(sa{sv})", result), berth_objects_method_list,         \
                            SD_BUS_VTABLE_UNPRIVILEGED)
