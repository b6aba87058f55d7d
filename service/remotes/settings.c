/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses berth.conf and its drop-ins into a BerthSettings, which is never changed afterwards: a
 * reload makes another. The owner is BerthRemotes (remotes/remote-session.h).
 *
 * A mistake never makes loading fail: it is logged with its file and line, and the key keeps its
 * previous value. The exception is a policy, which then rejects, since it was meant to keep
 * something out.
 */

#include "remotes/settings.h"

#include "base/log.h"
#include "base/names.h"
#include "remotes/settings-values.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PARALLEL_OBJECTS = 16,
    PARALLEL_LAYERS = 4,
    CONNECT_SECONDS = 15,
    USER_TASKS = 4096,
    STALL_SECONDS = 60,
    MEASURE_SECONDS = 600,
    MAX_SECONDS = 3600,
    MAX_PARALLEL = 64,
};

#define MAX_LAYER_BYTES (256ull << 30)
#define MAX_BLOB_BYTES (1ull << 40)

static void free_registry(gpointer data) {
    BerthRegistry *registry = data;

    g_free(registry->host);
    g_strfreev(registry->mirrors);
    g_free(registry->location);
    g_free(registry);
}

static void free_policy(gpointer data) {
    BerthPolicy *policy = data;

    g_free(policy->prefix);
    g_strfreev(policy->keys);
    g_free(policy);
}

void berth_settings_free(BerthSettings *settings) {
    if (!settings)
        return;
    g_ptr_array_unref(settings->registries);
    g_ptr_array_unref(settings->policies);
    g_free(settings->proxy);
    g_free(settings->no_proxy);
    g_free(settings->network);
    g_free(settings);
}

/* The registry of that host, added if there is none: sections in several files about one host are
 * merged key by key. */
static BerthRegistry *find_registry(BerthSettings *settings, const char *host) {
    for (guint i = 0; i < settings->registries->len; i++) {
        BerthRegistry *registry = settings->registries->pdata[i];
        if (g_str_equal(registry->host, host))
            return registry;
    }
    BerthRegistry *registry = g_new0(BerthRegistry, 1);
    registry->host = g_strdup(host);
    registry->mirrors = g_new0(char *, 1);
    registry->location = g_strdup("");
    g_ptr_array_add(settings->registries, registry);
    return registry;
}

/* This and the functions like it return false for a key that the section does not have. */
static bool take_registry(const BerthSettingsPlace *place, BerthRegistry *registry, const char *key,
                          const char *text, char **list) {
    if (g_str_equal(key, "Mirror"))
        return berth_settings_take_places(place, key, list, &registry->mirrors);
    if (g_str_equal(key, "Location"))
        return berth_settings_take_place(place, key, text, &registry->location);
    if (g_str_equal(key, "Insecure"))
        return berth_settings_take_bool(place, key, text, &registry->insecure);
    if (g_str_equal(key, "Blocked"))
        return berth_settings_take_bool(place, key, text, &registry->blocked);
    return false;
}

static bool take_transfer(const BerthSettingsPlace *place, BerthSettings *settings, const char *key,
                          const char *text) {
    if (g_str_equal(key, "ParallelObjects"))
        return berth_settings_take_number(place, key, text, MAX_PARALLEL,
                                          &settings->parallel_objects);
    if (g_str_equal(key, "ParallelLayers"))
        return berth_settings_take_number(place, key, text, MAX_PARALLEL,
                                          &settings->parallel_layers);
    if (g_str_equal(key, "Bandwidth"))
        return berth_settings_take_size(place, key, text, &settings->bytes_per_second);
    if (g_str_equal(key, "MaxLayerSize"))
        return berth_settings_take_size(place, key, text, &settings->max_layer_bytes);
    if (g_str_equal(key, "MaxBlobSize"))
        return berth_settings_take_size(place, key, text, &settings->max_blob_bytes);
    if (g_str_equal(key, "ConnectTimeoutSec"))
        return berth_settings_take_number(place, key, text, MAX_SECONDS,
                                          &settings->connect_timeout);
    if (g_str_equal(key, "StallTimeoutSec"))
        return berth_settings_take_number(place, key, text, MAX_SECONDS, &settings->stall_timeout);
    if (g_str_equal(key, "KeepCompressed"))
        return berth_settings_take_bool(place, key, text, &settings->keep_compressed);
    char **proxy = g_str_equal(key, "Proxy")     ? &settings->proxy
                   : g_str_equal(key, "NoProxy") ? &settings->no_proxy
                                                 : NULL;
    if (!proxy)
        return false;
    g_free(*proxy);
    *proxy = g_strdup(text);
    return true;
}

/* The other keys of [Limits] are those in the table in base/charge.c. */
static bool take_limit(const BerthSettingsPlace *place, BerthSettings *settings, const char *key,
                       const char *text) {
    BerthResource resource;

    if (g_str_equal(key, "MeasureTimeoutSec"))
        return berth_settings_take_number(place, key, text, MAX_SECONDS,
                                          &settings->measure_timeout);
    return berth_charge_find(key, &resource) &&
           berth_settings_take_amount(place, key, text, berth_charge_is_bytes(resource),
                                      &settings->limits[resource]);
}

/* A container shares the host's network only if its creator requests it. */
static bool take_network(const BerthSettingsPlace *place, const char *key, const char *text,
                         char **network) {
    if (g_str_equal(text, "host") || !berth_name_is_label(text)) {
        berth_settings_warn(place, key, "%s= takes none or the name of a network, not \"%s\"", key,
                            text);
        return true;
    }
    g_free(*network);
    *network = g_strdup(text);
    return true;
}

static bool take_default(const BerthSettingsPlace *place, BerthSettings *settings, const char *key,
                         const char *text) {
    if (g_str_equal(key, "MemoryMax"))
        return berth_settings_take_amount(place, key, text, true, &settings->default_memory_max);
    if (g_str_equal(key, "Network"))
        return take_network(place, key, text, &settings->network);
    if (g_str_equal(key, "UserMemoryMax"))
        return berth_settings_take_amount(place, key, text, true, &settings->user_memory_max);
    if (g_str_equal(key, "UserTasksMax"))
        return berth_settings_take_amount(place, key, text, false, &settings->user_tasks_max);
    return g_str_equal(key, "TasksMax") &&
           berth_settings_take_amount(place, key, text, false, &settings->default_tasks_max);
}

void berth_settings_apply_limits(const BerthSettings *settings) {
    for (size_t i = 0; i < BERTH_RESOURCE_COUNT; i++)
        berth_charge_set_limit((BerthResource)i, settings->limits[i]);
}

static BerthPolicy *find_exact_policy(BerthSettings *settings, const char *prefix) {
    for (guint i = 0; i < settings->policies->len; i++) {
        BerthPolicy *policy = settings->policies->pdata[i];
        if (g_str_equal(policy->prefix, prefix))
            return policy;
    }
    BerthPolicy *policy = g_new0(BerthPolicy, 1);
    policy->prefix = g_strdup(prefix);
    /* The default accepts. A policy for a prefix without Require= was meant to keep something out.
     */
    policy->kind = prefix[0] ? BERTH_POLICY_REJECT : BERTH_POLICY_ACCEPT;
    policy->keys = g_new0(char *, 1);
    g_ptr_array_add(settings->policies, policy);
    return policy;
}

/* An invalid policy rejects everything: it must not admit what it was meant to keep out. */
static bool take_policy(const BerthSettingsPlace *place, BerthPolicy *policy, const char *key,
                        const char *text, char **list) {
    if (g_str_equal(key, "Key")) {
        g_strfreev(policy->keys);
        policy->keys = g_strdupv(list);
        return true;
    }
    if (!g_str_equal(key, "Require"))
        return false;
    if (g_str_equal(text, "accept"))
        policy->kind = BERTH_POLICY_ACCEPT;
    else if (g_str_equal(text, "signed"))
        policy->kind = BERTH_POLICY_SIGNED;
    else {
        policy->kind = BERTH_POLICY_REJECT;
        if (!g_str_equal(text, "reject"))
            berth_settings_warn(
                place, key, "%s= takes accept, reject or signed, not \"%s\": rejecting", key, text);
    }
    return true;
}

/* "Registry HOST" and "Policy PREFIX" have an argument after a blank. It is normalized, so that
 * another spelling of the same host is the same section. */
static void take_group(BerthSettings *settings, const BerthSettingsPlace *place, GKeyFile *file) {
    g_auto(GStrv) keys = g_key_file_get_keys(file, place->group, NULL, NULL);
    const char *of = strchr(place->group, ' ');
    g_autofree char *section_subject = g_strstrip(g_strdup(of ? of + 1 : ""));
    g_autofree char *subject = berth_name_normalize_place(section_subject);
    bool is_registry =
        g_str_has_prefix(place->group, "Registry ") && berth_settings_is_place(subject);
    bool is_policy =
        g_str_equal(place->group, "Policy") ||
        (g_str_has_prefix(place->group, "Policy ") && berth_settings_is_place(subject));
    bool is_transfer = g_str_equal(place->group, "Transfer");
    bool is_limits = g_str_equal(place->group, "Limits");
    bool is_defaults = g_str_equal(place->group, "Defaults");
    BerthRegistry *registry = is_registry ? find_registry(settings, subject) : NULL;
    BerthPolicy *policy = is_policy ? find_exact_policy(settings, subject) : NULL;

    if (!is_registry && !is_policy && !is_transfer && !is_limits && !is_defaults) {
        berth_settings_warn(place, NULL, "the section [%s] is not known", place->group);
        return;
    }
    for (char **key = keys; key && *key; key++) {
        g_autofree char *text = g_key_file_get_string(file, place->group, *key, NULL);
        g_auto(GStrv) list = g_key_file_get_string_list(file, place->group, *key, NULL, NULL);
        bool known = text && list &&
                     (is_registry   ? take_registry(place, registry, *key, text, list)
                      : is_policy   ? take_policy(place, policy, *key, text, list)
                      : is_limits   ? take_limit(place, settings, *key, text)
                      : is_defaults ? take_default(place, settings, *key, text)
                                    : take_transfer(place, settings, *key, text));
        if (!known)
            berth_settings_warn(place, *key, "the key %s= is not known in [%s]", *key,
                                place->group);
    }
}

/* GKeyFile gives up at the first invalid line, so such lines are logged and removed. Comments that
 * begin with a semicolon are removed, too: systemd allows them, but GKeyFile only supports the
 * number sign. */
static char *drop_wrong_lines(BerthSettingsPlace *place) {
    GString *text = g_string_new(NULL);
    bool has_group = false;

    for (unsigned i = 0; place->lines[i]; i++) {
        g_autofree char *line = g_strstrip(g_strdup(place->lines[i]));
        bool is_group = line[0] == '[' && line[strlen(line) - 1] == ']';
        /* Lines after an invalid header belong to no section, least of all to the previous one. */
        has_group = line[0] == '[' ? is_group : has_group;
        bool good = line[0] == '\0' || line[0] == '#' || line[0] == ';' || is_group ||
                    (has_group && strchr(line, '=') && line[0] != '=' && line[0] != '[' &&
                     g_utf8_validate(line, -1, NULL));
        if (!good)
            berth_log_warning("BERTH_FILE", place->path,
                              "%s:%u: this is neither [SECTION] nor "
                              "KEY=VALUE",
                              place->path, i + 1);
        else if (line[0] != ';')
            g_string_append_printf(text, "%s\n", line);
    }
    return g_string_free(text, FALSE);
}

/* A file that cannot be read or parsed is logged and skipped. Its keys replace what earlier files
 * have set. */
static void load_file(BerthSettings *settings, const char *path) {
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *content = NULL;

    if (!g_file_get_contents(path, &content, NULL, &error)) {
        if (error->code != G_FILE_ERROR_NOENT)
            berth_log_warning("BERTH_FILE", path, "%s", error->message);
        return;
    }
    g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
    BerthSettingsPlace place = {.path = path, .lines = lines};
    g_autofree char *good = drop_wrong_lines(&place);
    if (!g_key_file_load_from_data(file, good, (gsize)-1, G_KEY_FILE_NONE, &error)) {
        berth_log_warning("BERTH_FILE", path, "%s: %s", path, error->message);
        return;
    }
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    for (char **group = groups; *group; group++) {
        place.group = *group;
        take_group(settings, &place, file);
    }
}

/* Directories are in ascending precedence, so a file replaces one of the same name in an earlier
 * directory. The remaining files are read sorted by name, whichever directory they are in. */
static void load_drop_ins(BerthSettings *settings, const char *root,
                          const char *const *directories) {
    g_autoptr(GHashTable) paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (; *directories; directories++) {
        g_autofree char *directory = g_strconcat(root, *directories, "/berth.conf.d", NULL);
        g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
        for (const char *name; entries && (name = g_dir_read_name(entries));)
            if (g_str_has_suffix(name, ".conf"))
                g_hash_table_replace(paths, g_strdup(name),
                                     g_build_filename(directory, name, NULL));
    }
    GHashTableIter iterator;
    gpointer name;
    g_hash_table_iter_init(&iterator, paths);
    while (g_hash_table_iter_next(&iterator, &name, NULL))
        g_ptr_array_add(names, name);
    g_ptr_array_sort(names, berth_name_compare);
    for (guint i = 0; i < names->len; i++)
        load_file(settings, g_hash_table_lookup(paths, names->pdata[i]));
}

/* root: a directory to use in place of "/"; "" for the host. */
BerthSettings *berth_settings_load(const char *root) {
    static const char *const directories[] = {"/usr/lib/berth", "/run/berth", "/etc/berth", NULL};
    BerthSettings *settings = g_new0(BerthSettings, 1);

    settings->registries = g_ptr_array_new_with_free_func(free_registry);
    settings->policies = g_ptr_array_new_with_free_func(free_policy);
    settings->parallel_objects = PARALLEL_OBJECTS;
    settings->parallel_layers = PARALLEL_LAYERS;
    settings->max_layer_bytes = MAX_LAYER_BYTES;
    settings->max_blob_bytes = MAX_BLOB_BYTES;
    settings->connect_timeout = CONNECT_SECONDS;
    settings->user_memory_max =
        (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
    settings->user_tasks_max = USER_TASKS;
    settings->stall_timeout = STALL_SECONDS;
    settings->measure_timeout = MEASURE_SECONDS;
    settings->proxy = g_strdup("");
    settings->no_proxy = g_strdup("");
    settings->network = g_strdup(BERTH_DEFAULT_NETWORK);
    settings->keep_compressed = true;
    /* The default policy must be the first: berth_settings_find_policy starts from it. */
    find_exact_policy(settings, "");
    /* Only the berth.conf of the highest precedence is read; it replaces the others instead of
     * being merged with them. */
    for (size_t i = G_N_ELEMENTS(directories) - 1; i-- > 0;) {
        g_autofree char *path = g_strconcat(root, directories[i], "/berth.conf", NULL);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            continue;
        load_file(settings, path);
        break;
    }
    load_drop_ins(settings, root, directories);
    return settings;
}

const BerthPolicy *berth_settings_find_policy(const BerthSettings *settings, const char *locator) {
    /* Another spelling of the same host must not bypass its policy. */
    g_autofree char *place = berth_name_normalize_place(locator);
    const BerthPolicy *best = settings->policies->pdata[0];

    for (guint i = 0; i < settings->policies->len; i++) {
        const BerthPolicy *policy = settings->policies->pdata[i];
        size_t length = strlen(policy->prefix);
        /* Compares whole components: a policy for example.com/a does not apply to example.com/ab.
         */
        if (length > strlen(best->prefix) && g_str_has_prefix(place, policy->prefix) &&
            (place[length] == '/' || place[length] == '\0'))
            best = policy;
    }
    return best;
}
