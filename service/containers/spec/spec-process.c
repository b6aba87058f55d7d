/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "process" of a configuration: the command, its environment, its user and its privileges, from the
 * options or, where these say nothing, from the image (image specification, config.md). There is no
 * state here.
 */

#include "containers/spec/spec-private.h"

#include "bare/secrets.h"
#include "base/document-members.h"
#include "containers/spec/capabilities.h"
#include "containers/spec/resource-limits.h"

#include <limits.h>
#include <string.h>

/* Inheritable and ambient stay empty, so that a user other than root has no capabilities after
 * execve(2) (capabilities(7)). */
static void spec_add_capabilities(json_object *process, const BerthCreateOptions *options) {
    static const char *const sets[] = {"bounding", "effective", "permitted"};
    g_auto(GStrv) capabilities = berth_capabilities_make(options);

    json_object *object = berth_document_add_object(process, "capabilities");
    for (size_t i = 0; i < G_N_ELEMENTS(sets); i++)
        berth_document_add_strings(object, sets[i], capabilities);
}

/* "NAME=", or all of a text that is no assignment, which the image's environment may contain. */
static char *make_variable_key(const char *assignment) {
    return g_strndup(assignment, strcspn(assignment, "=") + 1);
}

GHashTable *berth_spec_index_variables(char *const *environment) {
    GHashTable *variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (; environment && *environment; environment++)
        g_hash_table_add(variables, make_variable_key(*environment));
    return variables;
}

bool berth_spec_has_variable(GHashTable *variables, const char *assignment) {
    g_autofree char *key = make_variable_key(assignment);

    return g_hash_table_contains(variables, key);
}

/* The names of UnsetEnv in the form of berth_spec_index_variables(). */
static GHashTable *index_unset(char *const *names) {
    GHashTable *variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (; names && *names; names++)
        g_hash_table_add(variables, g_str_equal(*names, "*") ? g_strdup(*names)
                                                             : g_strconcat(*names, "=", NULL));
    return variables;
}

static bool is_unset(GHashTable *unset, const char *assignment) {
    return g_hash_table_contains(unset, "*") || berth_spec_has_variable(unset, assignment);
}

static void add_environment(json_object *process, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context) {
    static const char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    g_autoptr(GHashTable) given = berth_spec_index_variables(options->environment);
    g_autoptr(GHashTable) of_image = berth_spec_index_variables(image->environment);
    g_autoptr(GHashTable) unset = index_unset(options->unset);
    json_object *env = berth_document_add_array(process, "env");
    if ((!berth_spec_has_variable(of_image, path) || is_unset(unset, path)) &&
        !berth_spec_has_variable(given, path))
        berth_document_append_string(env, path);
    for (char **variable = image->environment; *variable; variable++)
        if (!berth_spec_has_variable(given, *variable) && !is_unset(unset, *variable))
            berth_document_append_string(env, *variable);
    for (char **variable = options->environment; variable && *variable; variable++)
        berth_document_append_string(env, *variable);
    for (guint i = 0; context->edits && i < context->edits->environment->len; i++)
        berth_document_append_string(env, context->edits->environment->pdata[i]);
    /* As for a service with LoadCredential= (systemd.exec(5)). */
    if (options->has_secret_files && !berth_spec_has_variable(given, "CREDENTIALS_DIRECTORY="))
        berth_document_append_string(env, "CREDENTIALS_DIRECTORY=" BERTH_SECRETS_DIRECTORY);
    /* systemd's container interface: names the manager that created the container. */
    if (!berth_spec_has_variable(of_image, "container=") &&
        !berth_spec_has_variable(given, "container="))
        berth_document_append_string(env, "container=berth");
}

typedef struct {
    char *const *entrypoint, *const *command;
} Arguments;

/* Docker writes ENTRYPOINT [""] as it is and takes it as none. */
static char *const *get_image_entrypoint(const BerthImageInfo *image) {
    char *const *words = image->entrypoint;

    return words[0] && !words[0][0] && !words[1] ? words + 1 : words;
}

/* As in the image specification (config.md, Entrypoint and Cmd): the caller's command replaces Cmd
 * and follows Entrypoint. Cmd belongs to the image's Entrypoint, so it is dropped together with
 * it. */
static Arguments choose_arguments(const BerthCreateOptions *options, const BerthImageInfo *image) {
    static char *const none[] = {NULL};
    bool has_command = options->command && options->command[0];
    bool has_entrypoint = options->entrypoint && options->entrypoint[0];

    return (Arguments){
        .entrypoint = !has_entrypoint             ? image ? get_image_entrypoint(image) : none
                      : options->entrypoint[0][0] ? options->entrypoint
                                                  : none,
        .command = has_command      ? options->command
                   : has_entrypoint ? none
                   : image          ? image->command
                                    : none,
    };
}

/* A pod runs no program: its process only holds the namespaces (init/main.c). */
static void add_holder(json_object *process) {
    char *const words[] = {(char *)BERTH_SPEC_INIT_PATH, (char *)"--hold", NULL};

    berth_document_add_strings(process, "args", words);
}

static bool add_arguments(json_object *process, const BerthCreateOptions *options,
                          const BerthImageInfo *image, GError **error) {
    Arguments arguments = choose_arguments(options, image);

    if (options->pod_exit != BERTH_POD_NOT) {
        add_holder(process);
        return true;
    }
    if (!arguments.entrypoint[0] && !arguments.command[0])
        return options->image[0] ? berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                                   "the image has no default command; give one")
                                 : berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                                   "there is no command to execute");
    json_object *args = berth_document_add_array(process, "args");
    if (options->init) {
        berth_document_append_string(args, BERTH_SPEC_INIT_PATH);
        berth_document_append_string(args, "--");
    }
    for (char *const *argument = arguments.entrypoint; *argument; argument++)
        berth_document_append_string(args, *argument);
    for (char *const *argument = arguments.command; *argument; argument++)
        berth_document_append_string(args, *argument);
    return true;
}

/* With keep-id, the user that the caller is mapped to; otherwise the image decides who runs its
 * command. */
static char *spec_choose_user(const BerthCreateOptions *options, const BerthImageInfo *image) {
    if (options->user)
        return g_strdup(options->user);
    return options->kept_id.given
               ? g_strdup_printf("%u:%u", options->kept_id.uid, options->kept_id.gid)
               : g_strdup(image->user);
}

/* By name, since only berth-launch reads the image's own passwd and group. The specification cannot
 * express names of supplementary groups; "additionalGroups" is Berth's extension. */
static void spec_add_user(json_object *process, const BerthCreateOptions *options,
                          const BerthImageInfo *image) {
    g_autofree char *user = spec_choose_user(options, image);

    json_object *object = berth_document_add_object(process, "user");
    berth_document_add_string(object, "username", user);
    if (options->groups && options->groups[0])
        berth_document_add_strings(object, "additionalGroups", options->groups);
    if (options->umask != UINT64_MAX)
        berth_document_add_int(object, "umask", (int64_t)options->umask);
}

bool berth_spec_add_process(json_object *root, const BerthCreateOptions *options,
                            const BerthImageInfo *image, const BerthSpecContext *context,
                            GError **error) {
    const char *directory = options->working_directory    ? options->working_directory
                            : image->working_directory[0] ? image->working_directory
                                                          : "/";

    if (directory[0] != '/')
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the working directory \"%.200s\" is not absolute", directory);
    if (!berth_capabilities_check(options->capabilities_add, error) ||
        !berth_capabilities_check(options->capabilities_drop, error))
        return false;
    json_object *process = berth_document_add_object(root, "process");
    berth_document_add_bool(process, "terminal", options->terminal);
    spec_add_user(process, options, image);
    if (!add_arguments(process, options, image, error))
        return false;
    add_environment(process, options, image, context);
    berth_document_add_string(process, "cwd", directory);
    spec_add_capabilities(process, options);
    berth_resource_limits_add(process, options->resource_limits);
    if (options->oom_score != INT_MAX)
        berth_document_add_int(process, "oomScoreAdj", options->oom_score);
    berth_document_add_bool(process, "noNewPrivileges", true);
    if (options->apparmor)
        berth_document_add_string(process, "apparmorProfile", options->apparmor);
    return true;
}

bool berth_spec_is_system(const BerthCreateOptions *options, const BerthImageInfo *image) {
    Arguments arguments = choose_arguments(options, image);
    char *const *command = arguments.entrypoint[0] ? arguments.entrypoint : arguments.command;
    g_autofree char *name = command[0] ? g_path_get_basename(command[0]) : NULL;

    return g_strcmp0(name, "init") == 0 || g_strcmp0(name, "systemd") == 0;
}

size_t berth_spec_count_entrypoint(const BerthCreateOptions *options, const BerthImageInfo *image) {
    return g_strv_length((char **)choose_arguments(options, image).entrypoint);
}
