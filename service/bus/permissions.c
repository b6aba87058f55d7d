/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of rights, static and never changed, and its lookup functions. The one thing to know:
 * questions come only from rows; a check without a row is refused (access.c), and so is a method
 * without a row (dispatch.c). See permissions.h.
 */

#include "bus/permissions.h"

#include "base/names.h"

#include <string.h>

#define N_(text) (text) /* translated by polkit's agent */

#define BOTH "Containers Container"
#define CHANGES BERTH_PERMISSION_CHANGES
#define COVERS BERTH_PERMISSION_COVERS
#define PLACE BERTH_PERMISSION_PLACE
#define OPAQUE BERTH_PERMISSION_OPAQUE
#define REMOTE "credentials insecure"
#define CONTAINER "container image owner"

/* Rows of a member about an object that has an owner. The owner needs one right ("own") and other
 * users another ("others"), and other users learn that the object exists only if they may inspect
 * it ("see"). */
#define OWNED_WITH(flags, interfaces, member, verb, own, others, key, details)                     \
    {interfaces, member, "own", own, verb, details, NULL, flags},                                  \
        {interfaces, member, "see", "containers.inspect", verb, key, NULL}, {                      \
        interfaces, member, "others", others, verb, details, NULL, flags                           \
    }
#define OWNED(...) OWNED_WITH(CHANGES, __VA_ARGS__)
/* A pod, which the action's own message does not mention. */
#define POD_MANAGED(member, verb, details)                                                         \
    {"Pods Pod",                                                                                   \
     member,                                                                                       \
     "own",                                                                                        \
     "containers.manage-own",                                                                      \
     verb,                                                                                         \
     details,                                                                                      \
     NULL,                                                                                         \
     CHANGES,                                                                                      \
     N_("Authentication is required to manage the pod $(pod).")},                                  \
        {"Pods Pod", member, "see", "containers.inspect", verb, "pod", NULL}, {                    \
        "Pods Pod", member, "others", "containers.manage", verb, details, NULL, CHANGES,           \
            N_("Authentication is required to manage the pod $(pod) of another user.")             \
    }
#define MANAGED(member, verb)                                                                      \
    OWNED(BOTH, member, verb, "containers.manage-own", "containers.manage", "container", CONTAINER)
#define ENTERED(member, verb)                                                                      \
    OWNED(BOTH, member, verb, "containers.manage-own", "containers.exec", "container", CONTAINER)
#define READ_INSIDE(member, verb)                                                                  \
    OWNED_WITH(0, BOTH, member, verb, "containers.manage-own", "containers.exec", "container",     \
               CONTAINER)
/* The rows of a member that only reads: the owner needs no right. */
#define SEEN(interfaces, member, verb, key)                                                        \
    { interfaces, member, "see", "containers.inspect", verb, key, NULL }
/* A listing or a subscription: one question decides whether it includes objects of other users. */
#define LISTED(interfaces, member)                                                                 \
    { interfaces, member, "sight", "containers.inspect", "list", "", NULL }
/* In addition to these rows: the connection for which Create was allowed needs no second right
 * (bus/creators.h). */
#define CREATED(member)                                                                            \
    { BOTH, member, "creator", NULL, NULL, NULL, "Create was allowed to the same connection" }
/* The option Lease with a lease of another user, which is hidden without this right
 * (bus/lease-check.h). */
#define LEASED(interfaces, member, verb)                                                           \
    { interfaces, member, "lease", "contents.manage", verb, "lease owner", NULL, CHANGES }
#define FREE(interfaces, member, safeguard)                                                        \
    { interfaces, member, NULL, NULL, NULL, NULL, safeguard }

static const BerthPermission permissions[] = {
    {"Images", "Resolve", "pull", "images.pull", "resolve", "reference " REMOTE, NULL},
    {"Images", "Authenticate", "pull", "images.pull", "authenticate", "reference " REMOTE, NULL,
     PLACE},
    {"Images", "Search", "pull", "images.pull", "search", "reference " REMOTE, NULL, PLACE},
    {"Images", "Fetch", "pull", "images.pull", "fetch", "reference lease " REMOTE, NULL, CHANGES},
    LEASED("Images", "Fetch", "fetch"),
    {"Images", "Pull", "pull", "images.pull", "pull", "reference lease " REMOTE, NULL, CHANGES},
    LEASED("Images", "Pull", "pull"),
    {"Images Image", "Unpack", "pull", "images.pull", "unpack", "image", NULL, CHANGES,
     N_("Authentication is required to unpack the container image $(image).")},
    {"Images Image", "Push", "push", "images.push", "push", "image reference " REMOTE, NULL,
     CHANGES | COVERS},
    {"Images Image", "Push", "read", "contents.read", "push", "image reference", NULL},
    {"Images", "Import", "manage", "images.manage", "import", "image lease", NULL, CHANGES | COVERS,
     /* The names are known only once the archive has been read; rules are consulted for them
      * then. */
     N_("Authentication is required to import an archive of container images, with all names "
        "in it.")},
    LEASED("Images", "Import", "import"),
    {"Images", "Import", "name", "images.manage", "import", "image digest replaced", NULL, CHANGES},
    {"Images", "Export", "read", "contents.read", "export", "image", NULL},
    {"Images", "Get", "inspect", "images.inspect", "get", "image", NULL},
    {"Images", "Put", "manage", "images.manage", "put", "image digest replaced", NULL, CHANGES},
    {"Images", "Put", "read", "contents.read", "put", "image digest", NULL},
    {"Images", "List", "inspect", "images.inspect", "list", "", NULL},
    LISTED("Images", "List"),
    LISTED("Images", "Get"),
    {"Image", "Properties", "inspect", "images.inspect", "get", "image", NULL},
    LISTED("Image", "Properties"),
    {"Images Image", "Delete", "manage", "images.manage", "delete", "image digest", NULL, CHANGES},
    {"Images", "DeleteMany", "manage", "images.manage", "delete", "image digest", NULL, CHANGES},
    {"Images Image", "Inspect", "inspect", "images.inspect", "inspect", "image", NULL},
    {"Images Image", "Verify", "pull", "images.pull", "verify", "image " REMOTE, NULL},
    {"Images Image", "Describe", "inspect", "images.inspect", "describe", "image", NULL},
    {"Images Image", "Rename", "old", "images.manage", "rename", "image digest reference", NULL,
     CHANGES | COVERS},
    {"Images Image", "Rename", "new", "images.manage", "rename", "image digest replaced", NULL,
     CHANGES},
    {"Images Image", "Mount", "manage", "images.manage", "mount", "image digest", NULL, CHANGES},
    {"Images Image", "Mount", "read", "contents.read", "mount", "image digest", NULL},
    {"Images", "Prune", "manage", "images.manage", "prune", "", NULL, CHANGES},

    {"Contents", "Info", "read", "contents.read", "info", "digest", NULL},
    {"Contents", "List", "read", "contents.read", "list", "", NULL},
    {"Contents", "Open", "read", "contents.read", "open", "digest", NULL},
    {"Contents", "Read", "read", "contents.read", "read", "digest", NULL},
    {"Contents", "Delete", "manage", "contents.manage", "delete", "digest", NULL, CHANGES},
    {"Contents", "Delete", "images", "images.inspect", "delete", "digest", NULL},
    {"Contents", "SetLabels", "manage", "contents.manage", "label", "digest", NULL, CHANGES},
    {"Contents", "Verify", "manage", "contents.manage", "verify", "", NULL, CHANGES},
    {"Contents", "Apply", "apply", "contents.apply", "apply", "digest path", NULL, CHANGES},
    {"Contents", "Explain", "read", "contents.read", "explain", "digest", NULL},
    {"Contents", "Explain", "images", "images.inspect", "explain", "digest", NULL},
    {"Contents", "Explain", "sight", "containers.inspect", "explain", "digest", NULL},
    {"Contents", "Usage", "read", "contents.read", "usage", "", NULL},
    {"Contents", "Usage", "images", "images.inspect", "usage", "", NULL},
    {"Contents", "Usage", "sight", "containers.inspect", "usage", "", NULL},
    {"Contents", "Ingest", "write", "contents.write", "ingest", "reference digest lease", NULL,
     CHANGES | OPAQUE},
    LEASED("Contents", "Ingest", "ingest"),
    {"Contents", "Commit", "own", "contents.write", "commit", "reference digest", NULL,
     CHANGES | OPAQUE},
    {"Contents", "Commit", "see", "containers.inspect", "commit", "reference", NULL, OPAQUE},
    {"Contents", "Commit", "others", "contents.manage", "commit", "reference digest", NULL,
     CHANGES | OPAQUE},
    {"Contents", "Status", "see", "containers.inspect", "status", "reference", NULL, OPAQUE},
    LISTED("Contents", "ListIngests"),
    {"Contents", "Abort", "write", "contents.write", "abort", "reference", NULL, CHANGES | OPAQUE},
    {"Contents", "Abort", "see", "containers.inspect", "abort", "reference", NULL, OPAQUE},
    {"Contents", "Abort", "others", "contents.manage", "abort", "reference", NULL,
     CHANGES | OPAQUE},
    {"Contents", "FetchObject", "pull", "images.pull", "fetch-object", "reference object " REMOTE,
     NULL},
    {"Contents", "PushObject", "push", "images.push", "push-object", "digest reference " REMOTE,
     NULL, CHANGES},
    {"Contents", "PushObject", "read", "contents.read", "push-object", "digest reference", NULL},

    {"Leases", "Create", "write", "contents.write", "lease", "lease", NULL, CHANGES},
    OWNED("Leases", "Add", "lease-add", "contents.write", "contents.manage", "lease",
          "lease digest owner"),
    {"Leases", "Add", "read", "contents.read", "lease-add", "lease digest", NULL},
    OWNED("Leases", "Delete", "lease-delete", "contents.write", "contents.manage", "lease",
          "lease owner"),
    LISTED("Leases", "List"),

    {"Volumes", "Create", "create", "containers.create", "volume-create", "volume", NULL, CHANGES},
    OWNED("Volumes Volume", "Delete", "volume-delete", "containers.manage-own", "containers.manage",
          "volume", "volume owner"),
    LISTED("Volumes", "List"),
    SEEN("Volume", "Properties", "inspect", "volume"),

    {"Networks", "Create", "manage", "networks.manage", "network-create", "network subnet", NULL,
     CHANGES},
    {"Networks Network", "Delete", "manage", "networks.manage", "network-delete", "network", NULL,
     CHANGES},
    LISTED("Networks", "List"),
    LISTED("Network", "Properties"),

    {"Pods", "Create", "create", "containers.create", "pod-create", "pod network slice cgroup port",
     NULL, CHANGES, N_("Authentication is required to create a pod.")},
    {"Pods", "Create", "privileged", "containers.create-privileged", "pod-create",
     "pod network port privilege", NULL, CHANGES | COVERS,
     N_("Authentication is required to give the pod $(pod) these privileges: $(privilege).")},
    POD_MANAGED("Start", "pod-start", "pod owner"),
    {"Pods Pod", "Start", "creator", NULL, NULL, NULL, "Create was allowed to the same connection"},
    /* Its containers are stopped and deleted with it, and each of them is named in a question. */
    POD_MANAGED("Stop", "pod-stop", "pod container owner"),
    POD_MANAGED("Delete", "pod-delete", "pod container owner"),
    {"Pods Pod", "Delete", "creator", NULL, NULL, NULL,
     "Create was allowed to the same connection"},
    SEEN("Pods Pod", "Wait", "pod-wait", "pod"),
    LISTED("Pods", "List"),
    SEEN("Pod", "Properties", "inspect", "pod"),

    LISTED("Transfers", "List"),
    SEEN("Transfer", "Wait", "wait", "transfer"),
    SEEN("Transfer", "Properties", "inspect", "transfer"),
    {"Transfer", "Cancel", "see", "containers.inspect", "cancel", "transfer", NULL},
    {"Transfer", "Cancel", "others", "images.manage", "cancel", "transfer reference owner", NULL,
     CHANGES},

    {"Containers", "Create", "create", "containers.create", "create",
     "container image network slice cgroup pod unit port volume", NULL, CHANGES},
    {"Containers", "Create", "privileged", "containers.create-privileged", "create",
     "container image network pod port volume privilege", NULL, CHANGES | COVERS},
    MANAGED("Start", "start"),
    CREATED("Start"),
    MANAGED("Kill", "kill"),
    MANAGED("Stop", "stop"),
    SEEN(BOTH, "Wait", "wait", "container"),
    OWNED(BOTH, "Commit", "commit", "containers.manage-own", "containers.manage", "container",
          CONTAINER),
    {BOTH, "Commit", "image", "images.manage", "commit", "container image replaced", NULL,
     CHANGES | COVERS,
     N_("Authentication is required to commit the container $(container) as the image $(image).")},
    OWNED(BOTH, "Diff", "commit", "containers.manage-own", "containers.manage", "container",
          CONTAINER),
    {BOTH, "Diff", "image", "images.manage", "commit", "container image replaced", NULL,
     CHANGES | COVERS},
    MANAGED("Delete", "delete"),
    CREATED("Delete"),
    ENTERED("Exec", "exec"),
    {BOTH, "Exec", "privileged", "containers.create-privileged", "exec",
     "container image privilege", NULL, CHANGES},
    ENTERED("OpenTerminal", "attach"),
    CREATED("OpenTerminal"),
    ENTERED("Attach", "attach"),
    CREATED("Attach"),
    ENTERED("Detach", "attach"),
    CREATED("Detach"),
    /* A pidfd does not give its holder any right over the process beyond the holder's own
     * credentials. But it can be passed on to a process that has such rights and can then open the
     * namespaces, so this needs the same right as entering the container. */
    READ_INSIDE("OpenProcess", "open-process"),
    CREATED("OpenProcess"),
    ENTERED("Resize", "attach"),
    CREATED("Resize"),
    ENTERED("CloseStdin", "attach"),
    CREATED("CloseStdin"),
    MANAGED("Pause", "pause"),
    MANAGED("Resume", "resume"),
    OWNED(BOTH, "Checkpoint", "checkpoint", "containers.checkpoint", "containers.checkpoint",
          "container", CONTAINER),
    OWNED(BOTH, "Restore", "restore", "containers.restore", "containers.restore", "container",
          CONTAINER),
    OWNED(BOTH, "Update", "update", "containers.manage-own", "containers.manage", "container",
          CONTAINER " property"),
    {BOTH, "Update", "privileged", "containers.create-privileged", "update",
     "container image privilege", NULL, CHANGES},
    /* As for Create, a rule may depend on the network alone. */
    OWNED(BOTH, "ConnectNetwork", "connect", "containers.manage-own", "containers.manage",
          "container", CONTAINER " network"),
    {BOTH, "ConnectNetwork", "create", "containers.create", "connect", "container image network",
     NULL, CHANGES},
    OWNED(BOTH, "DisconnectNetwork", "disconnect", "containers.manage-own", "containers.manage",
          "container", CONTAINER " network"),
    READ_INSIDE("CopyOut", "copy"),
    ENTERED("CopyIn", "copy"),
    READ_INSIDE("Changes", "changes"),
    /* The owner needs no right to read the container's log, just as it needs none to see its
     * state. */
    SEEN(BOTH, "Logs", "logs", "container"),
    {BOTH, "Logs", "others", "containers.exec", "logs", CONTAINER, NULL},
    MANAGED("Rename", "rename"),
    {BOTH, "Rename", "new-own", "containers.manage-own", "rename", CONTAINER, NULL, CHANGES},
    {BOTH, "Rename", "new-others", "containers.manage", "rename", CONTAINER, NULL, CHANGES},
    SEEN(BOTH, "Processes", "processes", "container"),
    SEEN(BOTH, "Inspect", "inspect", "container"),
    SEEN(BOTH, "Stats", "stats", "container"),
    SEEN("Container", "Properties", "inspect", "container"),
    SEEN("Containers", "Get", "get", "container"),
    LISTED("Containers", "List"),
    LISTED("Containers", "Subscribe"),
    FREE("Containers", "Unsubscribe", "ends what the caller itself subscribed to"),
    LISTED("Containers", "EventsSince"),
    LISTED("ObjectManager", "GetManagedObjects"),
    {"ObjectManager", "GetManagedObjects", "images", "images.inspect", "list", "", NULL},
    LISTED("Containers Networks Pods Transfers Volumes", "Introspect"),
    {"Images", "Introspect", "images", "images.inspect", "list", "", NULL},
    LISTED("Manager", "Properties"),
    {"Manager", "Properties", "images", "images.inspect", "list", "", NULL},
    FREE("LogControl1", "Properties", "only root's call of Set is carried out"),
};

const BerthPermission *berth_permissions_list(size_t *count) {
    *count = G_N_ELEMENTS(permissions);
    return permissions;
}

/* Whether list, words separated by single spaces, contains this word as a whole. */
static bool has_word(const char *list, const char *word) {
    size_t length = strlen(word);

    for (const char *at = list; at && length > 0; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

bool berth_permission_has_interface(const BerthPermission *permission, const char *interface) {
    return has_word(permission->interfaces, interface);
}

bool berth_permission_has_detail(const BerthPermission *permission, const char *key) {
    return has_word(permission->details, key);
}

unsigned berth_permission_count_details(const BerthPermission *permission) {
    unsigned count = permission->details && permission->details[0] ? 1 : 0;

    for (const char *at = permission->details; at && (at = strchr(at, ' ')); at++)
        count++;
    return count;
}

/* Whether text begins with a possible registry host followed by a path. The grammar of stored names
 * is wider: "a b/c" and "redis:443" have no host. */
static bool has_host(const char *text) {
    size_t length = strcspn(text, "/");

    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && !strchr("._-:[]", text[i]))
            return false;
    return text[length] == '/';
}

char *berth_permission_format_detail(const BerthPermission *permission, const char *key,
                                     const char *value) {
    bool is_reference = g_str_equal(key, "reference");
    bool is_name = g_str_equal(key, "image") ||
                   (is_reference && !(permission->flags & BERTH_PERMISSION_OPAQUE));
    bool is_place = is_reference && (permission->flags & BERTH_PERMISSION_PLACE);

    return is_place || (is_name && has_host(value)) ? berth_name_normalize_place(value)
                                                    : g_strdup(value);
}

const BerthPermission *berth_permission_find(const char *interface, const char *member,
                                             const char *check) {
    for (size_t i = 0; i < G_N_ELEMENTS(permissions); i++) {
        const BerthPermission *permission = &permissions[i];
        if (g_str_equal(permission->member, member) && g_strcmp0(permission->check, check) == 0 &&
            berth_permission_has_interface(permission, interface))
            return permission;
    }
    return NULL;
}

bool berth_permission_changes(const char *interface, const char *member) {
    for (size_t i = 0; i < G_N_ELEMENTS(permissions); i++)
        if ((permissions[i].flags & BERTH_PERMISSION_CHANGES) &&
            g_str_equal(permissions[i].member, member) &&
            berth_permission_has_interface(&permissions[i], interface))
            return true;
    return false;
}

/* The interface of the object at a path or, if the path here ends in "/", of the objects below
 * it. */
static const struct {
    const char *path, *interface;
} objects[] = {
    {"/org/berth1", "Manager"},
    {"/org/berth1/images", "Images"},
    {"/org/berth1/images/", "Image"},
    {"/org/berth1/contents", "Contents"},
    {"/org/berth1/leases", "Leases"},
    {"/org/berth1/networks", "Networks"},
    {"/org/berth1/networks/", "Network"},
    {"/org/berth1/pods", "Pods"},
    {"/org/berth1/pods/", "Pod"},
    {"/org/berth1/volumes", "Volumes"},
    {"/org/berth1/volumes/", "Volume"},
    {"/org/berth1/transfers", "Transfers"},
    {"/org/berth1/transfers/", "Transfer"},
    {"/org/berth1/containers", "Containers"},
    {"/org/berth1/containers/", "Container"},
    {"/org/freedesktop/LogControl1", "LogControl1"},
};

const char *berth_permission_find_interface(const char *path) {
    for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
        if (g_str_has_suffix(objects[i].path, "/") ? g_str_has_prefix(path, objects[i].path)
                                                   : g_str_equal(path, objects[i].path))
            return objects[i].interface;
    return NULL;
}

/* All objects have Introspect and Properties, so the path determines the interface that such a call
 * belongs to. */
const char *berth_permission_read_member(sd_bus_message *call, const char **member) {
    const char *interface = sd_bus_message_get_interface(call);

    *member = sd_bus_message_get_member(call);
    if (interface && g_str_has_prefix(interface, BERTH_ACTION_PREFIX))
        return interface + strlen(BERTH_ACTION_PREFIX);
    if (g_strcmp0(interface, "org.freedesktop.DBus.ObjectManager") == 0)
        return "ObjectManager";
    if (g_strcmp0(interface, "org.freedesktop.DBus.Properties") == 0)
        *member = "Properties";
    if (g_strcmp0(interface, "org.freedesktop.DBus.Introspectable") == 0)
        *member = "Introspect";
    return berth_permission_find_interface(sd_bus_message_get_path(call));
}
