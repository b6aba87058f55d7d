/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A session is opening (berth-fetch parses the reference and returns the locators that it
 * concerns), then being configured (it receives limits, credentials and certificates for these
 * locators), and then ready or failed; ready is called once, in either case. The operation that
 * needs the remote owns it, and freeing it ends the worker.
 *
 * berth-fetch reads data from the network, so it is trusted with no more than it needs: before
 * passing on any secret, berthd compares the locators that it returns with the registry and the
 * mirrors that berth.conf has for the reference.
 */

#include "remotes/remote-session.h"

#include "base/credentials.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "remotes/certificates.h"
#include "worker/calls.h"
#include "worker/replies.h"

#include <errno.h>
#include <string.h>

enum { MAX_AUTH_FILE_BYTES = 1024 * 1024 };

/* The service's own credentials, in the format of auth.json; see systemd.exec(5), LoadCredential=.
 */
#define OWN_CREDENTIALS "berth.registries"

struct BerthRemoteSession {
    BerthRemotes *remotes;
    BerthWorker *worker;
    GBytes *own; /* the text of the service's own credentials, or NULL */
    char **credentials;
    char *reference, *object;
    bool insecure;
    BerthOpenReply opened;
    BerthRemoteReady ready;
    void *userdata;
};

BerthRemotes *berth_remotes_new(sd_event *event) {
    BerthRemotes *remotes = g_new0(BerthRemotes, 1);

    remotes->event = event;
    remotes->settings = berth_settings_load("");
    berth_settings_apply_limits(remotes->settings);
    return remotes;
}

void berth_remotes_free(BerthRemotes *remotes) {
    if (!remotes)
        return;
    berth_settings_free(remotes->settings);
    g_free(remotes);
}

/* Open sessions use the new settings from now on: they access them through remotes each time, and
 * keep no pointer into the old ones. */
void berth_remotes_reload(BerthRemotes *remotes) {
    berth_settings_free(remotes->settings);
    remotes->settings = berth_settings_load("");
    berth_settings_apply_limits(remotes->settings);
}

void berth_remote_session_free(BerthRemoteSession *session) {
    if (!session)
        return;
    berth_worker_free(session->worker);
    berth_secrets_free(session->credentials);
    g_clear_pointer(&session->own, g_bytes_unref);
    g_free(session->reference);
    g_free(session->object);
    berth_open_reply_clear(&session->opened);
    g_free(session);
}

BerthWorker *berth_remote_session_get_worker(BerthRemoteSession *session) {
    return session->worker;
}

const char *berth_remote_session_get_locator(BerthRemoteSession *session) {
    return session->opened.locator;
}

const char *berth_remote_session_get_name(BerthRemoteSession *session) {
    return session->opened.name;
}

static void remote_session_finish(BerthRemoteSession *session, const GError *error) {
    /* From now on, only the worker has the credentials. */
    g_clear_pointer(&session->credentials, berth_secrets_free);
    g_clear_pointer(&session->own, g_bytes_unref);
    session->ready(session, error, session->userdata);
}

static void remote_session_on_configured(sd_bus_message *reply, const GError *error,
                                         void *userdata) {
    (void)reply;
    remote_session_finish(userdata, error);
}

/* The service's own credentials, in memory that is erased when it is freed. NULL without an error
 * if the unit has none. */
static GBytes *read_own_credentials(GError **error) {
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *path = directory ? g_build_filename(directory, OWN_CREDENTIALS, NULL) : NULL;
    berth_autofd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    size_t size;

    if (fd < 0)
        return NULL;
    char *text = berth_fd_read_whole(fd, MAX_AUTH_FILE_BYTES, &size, error);
    return text ? berth_secrets_take_text(text, size) : NULL;
}

/* Alternating keys and values. The message itself would be a copy of them, and sd-bus moves it in
 * memory when it grows; sd_bus_message_sensitive(3) erases only where it is at the end. */
static int append_credentials(sd_bus_message *call, const char *const *pairs, GError **error) {
    berth_autofd int file = berth_credentials_make_file(pairs, error);

    return file < 0 ? -EIO : sd_bus_message_append(call, "{sv}", "Credentials", "h", file);
}

/* A credential helper named in the file is not run: the service executes nothing on behalf of a
 * credential. */
static int append_own(BerthRemoteSession *session, sd_bus_message *call, const char *locator,
                      GError **error) {
    g_autoptr(BerthCredentials) credentials = NULL;
    g_autofree char *helper = NULL, *key = NULL;
    BerthCredentialPairs pairs;
    gsize size;

    if (!session->own)
        return 0;
    const char *text = g_bytes_get_data(session->own, &size);
    if (!berth_auth_file_find(text, size, locator, &credentials, &helper, &key, error)) {
        g_prefix_error(error, "the service's credential \"%s\": ", OWN_CREDENTIALS);
        return -EINVAL;
    }
    if (!credentials)
        return 0;
    berth_credentials_list_pairs(credentials, pairs);
    return append_credentials(call, pairs, error);
}

/* The message has duplicates of the memfds; this process's own are closed on return. */
static int append_files(sd_bus_message *call, const char *locator, GError **error) {
    g_auto(BerthCertificates) certificates = {-1, -1, -1};
    g_autofree char *host = g_strndup(locator, strcspn(locator, "/"));
    int r = 0;

    if (!berth_certificates_find(host, &certificates, error))
        return -EINVAL;
    const struct {
        const char *key;
        int fd;
    } files[] = {
        {"Authorities", certificates.authorities},
        {"Certificate", certificates.certificate},
        {"Key", certificates.key},
    };
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(files); i++)
        if (files[i].fd >= 0)
            r = sd_bus_message_append(call, "{sv}", files[i].key, "h", files[i].fd);
    return r;
}

/* A client's credentials are for the registry itself (is_origin) and are never sent to a mirror.
 * The service's own are looked up for each locator, so they only reach the places that they name.
 */
static int append_identity(BerthRemoteSession *session, sd_bus_message *call, const char *locator,
                           bool is_origin, GError **error) {
    char **given = is_origin ? session->credentials : NULL;
    int r = sd_bus_message_open_container(call, 'a', "{sv}");

    if (r >= 0)
        r = given && given[0] ? append_credentials(call, (const char *const *)given, error)
                              : append_own(session, call, locator, error);
    if (r < 0 || (r = append_files(call, locator, error)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* The arguments of Configure: an identity for each locator (mirrors first, the registry last),
 * followed by the settings. */
static int append_configuration(sd_bus_message *call, void *userdata, GError **error) {
    BerthRemoteSession *session = userdata;
    const BerthSettings *settings = session->remotes->settings;
    int r = sd_bus_message_open_container(call, 'a', "a{sv}");

    for (char **locator = session->opened.locators; r >= 0 && *locator; locator++)
        r = append_identity(session, call, *locator, !locator[1], error);
    if (r < 0 || (r = sd_bus_message_close_container(call)) < 0)
        return r;
    return sd_bus_message_append(call, "tuuss", settings->bytes_per_second,
                                 settings->connect_timeout, settings->stall_timeout,
                                 settings->proxy, settings->no_proxy);
}

/* berth.conf has hosts in their normal form, so the reference's host is normalized as well. */
static const BerthRegistry *find_registry(const BerthSettings *settings, const char *host) {
    g_autofree char *normal = berth_name_normalize_place(host);

    for (guint i = 0; i < settings->registries->len; i++) {
        const BerthRegistry *registry = settings->registries->pdata[i];
        if (g_str_equal(registry->host, normal))
            return registry;
    }
    return NULL;
}

/* The places where a reference is looked up: mirrors first, then the registry or its Location=. */
static char **list_places(const BerthSettings *settings, const char *reference) {
    g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(g_free);
    const char *slash = strchr(reference, '/');
    g_autofree char *host = g_strndup(reference, slash ? (gsize)(slash - reference) : 0);
    const BerthRegistry *registry = find_registry(settings, host);

    for (char **mirror = registry ? registry->mirrors : NULL; mirror && *mirror; mirror++)
        g_ptr_array_add(places, g_strdup(*mirror));
    if (registry && registry->location[0])
        g_ptr_array_add(places, g_strdup(registry->location));
    else
        g_ptr_array_add(places, g_steal_pointer(&host));
    g_ptr_array_add(places, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&places), FALSE);
}

/* "web/app" of "registry.example.com/web/app:tag@digest?query". */
static char *copy_path(const char *reference) {
    const char *slash = strchr(reference, '/');
    char *path = g_strdup(slash ? slash + 1 : "");

    path[strcspn(path, "?@")] = '\0';
    char *last = strrchr(path, '/');
    char *colon = strchr(last ? last : path, ':');
    if (colon)
        *colon = '\0';
    return path;
}

/* Called before a session exists, so the locators are composed here in the same way as in
 * berth-fetch. The result only decides whether polkit is asked about the use of these credentials.
 */
bool berth_remotes_has_own(BerthRemotes *remotes, const char *reference) {
    g_autoptr(GBytes) own = read_own_credentials(NULL);
    g_auto(GStrv) places = own ? list_places(remotes->settings, reference) : NULL;
    g_autofree char *path = copy_path(reference);
    gsize size = 0;
    const char *text = own ? g_bytes_get_data(own, &size) : NULL;
    bool found = false;

    for (char **place = places; place && *place && !found; place++) {
        g_autoptr(BerthCredentials) credentials = NULL;
        g_autofree char *helper = NULL, *key = NULL;
        size_t length = strlen(*place) - g_str_has_suffix(*place, "/");
        (*place)[length] = '\0';
        g_autofree char *locator = g_strconcat(*place, "/", path, NULL);
        found = berth_auth_file_find(text, size, locator, &credentials, &helper, &key, NULL) &&
                credentials;
    }
    return found;
}

/* Any local user can listen on a port of the loopback interface. */
static bool is_proven_place(const BerthSettings *settings, const char *place) {
    g_autofree char *host = g_strndup(place, strcspn(place, "/"));
    const BerthRegistry *registry = find_registry(settings, host);

    return !(registry && registry->insecure) && !berth_name_is_loopback(host);
}

bool berth_remote_session_is_proven(BerthRemoteSession *session) {
    bool proven = !session->insecure;

    for (char **locator = session->opened.locators; proven && *locator; locator++)
        proven = is_proven_place(session->remotes->settings, *locator);
    return proven && is_proven_place(session->remotes->settings, session->opened.locator);
}

/* The locators are compared with the places before any credential is appended (worker/replies.h).
 */
static void remote_session_on_opened(sd_bus_message *reply, const GError *error, void *userdata) {
    BerthRemoteSession *session = userdata;
    g_auto(GStrv) places = list_places(session->remotes->settings, session->reference);
    const BerthOpenRequest request = {session->reference, session->object, places};
    g_autoptr(GError) local = NULL;

    if (error || !berth_reply_read_opened(reply, &request, &session->opened, &local) ||
        !berth_call_fetch_configure(session->worker, append_configuration,
                                    remote_session_on_configured, session, &local))
        remote_session_finish(session, error ? error : local);
}

static int append_registries(sd_bus_message *call, const BerthSettings *settings) {
    int r = sd_bus_message_open_container(call, 'a', "(sassbb)");

    for (guint i = 0; r >= 0 && i < settings->registries->len; i++) {
        const BerthRegistry *registry = settings->registries->pdata[i];
        if ((r = sd_bus_message_open_container(call, 'r', "sassbb")) < 0 ||
            (r = sd_bus_message_append(call, "s", registry->host)) < 0 ||
            (r = sd_bus_message_append_strv(call, registry->mirrors)) < 0 ||
            (r = sd_bus_message_append(call, "sbb", registry->location, registry->insecure,
                                       registry->blocked)) < 0)
            return r;
        r = sd_bus_message_close_container(call);
    }
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* The arguments of Open. */
static int append_opening(sd_bus_message *call, void *userdata, GError **error) {
    BerthRemoteSession *session = userdata;
    int r = sd_bus_message_append(call, "ssb", session->reference, session->object,
                                  (int)session->insecure);

    (void)error;
    return r < 0 ? r : append_registries(call, session->remotes->settings);
}

BerthRemoteSession *berth_remote_session_new(BerthRemotes *remotes,
                                             const BerthRemoteRequest *request,
                                             BerthRemoteReady ready, void *userdata,
                                             GError **error) {
    g_autoptr(BerthRemoteSession) session = g_new0(BerthRemoteSession, 1);
    g_autoptr(BerthCredentials) checked = NULL;
    g_autoptr(GError) local = NULL;

    checked = berth_credentials_read_pairs(request->credentials, &local);
    /* Never over an unprotected connection: any host on the path could pose as the registry and
     * receive them. */
    if (!local && request->own && !request->insecure)
        session->own = read_own_credentials(&local);
    if (!local)
        session->worker = berth_worker_new(remotes->event, "fetch", -1, &local);
    if (!session->worker) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    session->remotes = remotes;
    session->credentials = g_strdupv((char **)request->credentials);
    session->reference = g_strdup(request->reference);
    session->object = g_strdup(request->object ? request->object : "");
    session->insecure = request->insecure;
    session->ready = ready;
    session->userdata = userdata;
    berth_call_fetch_open(session->worker, append_opening, remote_session_on_opened, session);
    return g_steal_pointer(&session);
}
