/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What dist's verbs share: the connection, how results are printed, and what a verb is. */

#pragma once

#include "base/bus-error.h"

#include <libintl.h>
#include <systemd/sd-event.h>

#define _(text) gettext(text)
#define N_(text) (text)

#define DIST_DESTINATION "org.berth1"
#define DIST_IMAGES "/org/berth1/images", "org.berth1.Images"
#define DIST_CONTENTS "/org/berth1/contents", "org.berth1.Contents"
#define DIST_LEASES "/org/berth1/leases", "org.berth1.Leases"
#define DIST_CONTAINERS "/org/berth1/containers", "org.berth1.Containers"
#define DIST_VOLUMES "/org/berth1/volumes", "org.berth1.Volumes"
#define DIST_TRANSFERS "/org/berth1/transfers", "org.berth1.Transfers"

/* Exit statuses of what runs a container. */
#define DIST_EXIT_BERTH 125

typedef enum { DIST_JSON_OFF, DIST_JSON_PRETTY, DIST_JSON_SHORT } DistJson;

typedef struct {
    DistJson json;
    gboolean quiet, no_pager, no_ask_password;
    char *host, *machine;
} DistSettings;

extern DistSettings dist_settings;

/* A verb gets its arguments after the options were taken; it returns the exit status, and says
 * itself what went wrong only where it returns DIST_FAILED with error not set. */
typedef struct {
    const char *name;
    const char *arguments; /* for the help */
    const char *summary;
    int (*run)(int argc, char **argv, GError **error);
} DistVerb;

extern const DistVerb dist_image_verbs[], dist_content_verbs[], dist_object_verbs[],
    dist_container_verbs[], dist_registry_verbs[], dist_store_verbs[], dist_archive_verbs[],
    dist_audit_verbs[];

/* A verb of several words: runs the one that argv[1] names, or shows them. */
int dist_run_group(const char *name, const DistVerb *verbs, int argc, char **argv, GError **error);

/* Takes options and --help; argv keeps the rest, from argv[0] = the verb. strict: options end at
 * the first argument that is none. */
bool dist_parse(const char *arguments, const char *summary, const GOptionEntry *entries,
                bool strict, int *argc, char ***argv, GError **error);
/* InvalidArgument unless there are min to max arguments (max -1: any number). */
bool dist_check_count(int argc, int min, int max, GError **error);

/* The system bus, connected once. NULL with error. */
sd_bus *dist_bus(GError **error);

/* A call that waits for its reply; types and values as sd_bus_message_append. NULL with error. */
sd_bus_message *dist_call(GError **error, const char *path, const char *interface,
                          const char *member, const char *types, ...);
/* The same for a message that was built by hand; takes it over. */
sd_bus_message *dist_new_call(GError **error, const char *path, const char *interface,
                              const char *member);
sd_bus_message *dist_send(sd_bus_message *call, GError **error);
/* An error for a message that was not as expected. */
bool dist_bad_reply(int r, GError **error);

/* A listing of the service, in pages. */
typedef struct {
    const char *path, *interface, *member;
    const char *of;                                            /* the first argument, or NULL */
    int (*filter)(sd_bus_message *call, const void *userdata); /* appends {sv}; or NULL */
    const void *filter_data;
} DistListing;

/* Reads one element of it, and its key for the next page, new; 0 where there is none. */
typedef int (*DistReadItem)(sd_bus_message *reply, char **key, void *userdata);
bool dist_list(const DistListing *listing, DistReadItem read, void *userdata, GError **error);

/* "redis" → "docker.io/library/redis:latest". Caller frees. */
char *dist_complete_reference(const char *text);

/* What a verb does with one of its arguments. */
typedef bool (*DistAct)(const char *argument, const void *userdata, GError **error);

/* Does it with each of them: one that fails is told of and is no reason to leave the others. The
 * status to exit with. */
int dist_for_each(char *const *arguments, DistAct act, const void *userdata);
void dist_print_error(const GError *error);

/* The call for one argument; NULL with error. */
typedef sd_bus_message *(*DistMakeCall)(const char *argument, const void *userdata, GError **error);

/* The same with calls that take their time: many at once, unless a password may be asked for, and
 * the arguments that went well are printed, in their order. */
int dist_ask_each(char *const *arguments, DistMakeCall make, const void *userdata);

/* A verb that is one call for each of its arguments. */
int dist_call_each(const char *path, const char *interface, const char *member,
                   const char *arguments, const char *summary, int argc, char **argv,
                   GError **error);
/* One that deletes, Delete(s, a{sv}), and prints what it has deleted; force: the help of --force,
 * which is an option of both. */
int dist_delete_each(const char *path, const char *interface, const char *arguments,
                     const char *summary, const char *force, int argc, char **argv, GError **error);

/* Appends {sv} with an array of strings; none where it is empty or NULL. */
int dist_append_strings(sd_bus_message *call, const char *key, char *const *strings);

/* KEY=VALUE as a{ss}, and as {sv} with that; without "=" the value is empty. */
int dist_append_label_map(sd_bus_message *call, char *const *labels);
int dist_append_labels(sd_bus_message *call, const char *key, char *const *labels);

/* Without control characters but those in kept, and without what turns the direction of text. */
char *dist_format_text(const char *text, const char *kept);
/* JSON without them, which means the same. text: valid UTF-8. */
char *dist_format_json(const char *text);
char *dist_format_size(uint64_t bytes);
char *dist_format_time(uint64_t usec);

/* What a transfer answered; members that it did not are NULL. */
typedef struct {
    char *name, *digest;
    char **names, **damaged;
} DistResult;

void dist_result_clear(DistResult *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DistResult, dist_result_clear)

/* Copies until the end of from; limit bytes at most. */
bool dist_copy(int from, int to, uint64_t limit, uint64_t *copied, GError **error);

/* One object of a remote as a pipe to read; -1 with error. */
int dist_fetch_object(const char *reference, const char *object, bool insecure, GError **error);

/* Waits for the transfer that reply names, shows its progress and what the registry warns of, and
 * cancels it on Ctrl-C. Takes reply over, which may be NULL with error set. */
bool dist_wait_reply(sd_bus_message *reply, DistResult *result, GError **error);

/* For the common case: waits for the transfer that reply names and prints its name, or name where
 * it has none; nothing where name is NULL. Takes reply over, which may be NULL with error set. */
bool dist_finish_transfer(sd_bus_message *reply, const char *name, GError **error);

/* Runs at exit: ends the agent that asks for passwords. */
void dist_agent_open(void);
void dist_agent_close(void);
