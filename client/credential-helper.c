/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs credential helpers, the programs "docker-credential-NAME" that keep a user's credentials in
 * a key ring. The one thing to know: Docker Hub has two keys. docker stores its credentials under
 * an old URL, and so does dist, which also finds what has been stored under the plain name.
 */

#include "client/credential-helper.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/fd.h"
#include "base/limits.h"
#include "client/bus.h"
#include "client/message.h"

#include <string.h>
#include <sys/wait.h>

/* The protocol has no member for identity tokens: this user name marks one. */
#define TOKEN_USER "<token>"

/* A helper without credentials for the server fails as well; only its message ("credentials not
 * found in native keychain") distinguishes this from other failures. One that says nothing may have
 * written to standard error, which is that of dist. */
static void set_helper_error(const char *program, const char *words, int status, GError **error) {
    if (words[0])
        berth_error_set(error,
                        strstr(words, "credentials not found") ? BERTH_ERROR_NOT_FOUND
                                                               : BERTH_ERROR_UNAUTHORIZED,
                        _("the credential helper %s failed: %.200s"), program, words);
    else if (WIFSIGNALED(status))
        berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                        _("the credential helper %s was ended by signal %d"), program,
                        WTERMSIG(status));
    else
        berth_error_set(error, BERTH_ERROR_UNAUTHORIZED,
                        _("the credential helper %s failed with status %d"), program,
                        WEXITSTATUS(status));
}

/* Runs a credential helper. Its protocol (docker-credential-helpers, README): a verb as the
 * argument, the server or a JSON document on standard input, the answer on standard output. The
 * error is NotFound if the helper has no credentials for the server. */
static char *run_credential_helper(const char *name, const char *verb, const char *input,
                                   size_t *size, GError **error) {
    g_autofree char *program = g_strconcat("docker-credential-", name, NULL);
    char *arguments[] = {program, (char *)verb, NULL};
    g_autoptr(GError) local = NULL;
    int output, status;
    GPid pid;

    /* A name with a slash would be a path, which execvp(3) resolves from the current directory. The
     * helper reads its input from a memfd, so dist does not have to write and read at the same
     * time. */
    berth_autofd int given =
        strchr(name, '/') ? -1 : berth_fd_new_in_memory(input, strlen(input), &local);
    if (given < 0 || !g_spawn_async_with_pipes_and_fds(
                         NULL, (const char *const *)arguments, NULL,
                         G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, given, -1, -1,
                         NULL, NULL, 0, &pid, NULL, &output, NULL, &local)) {
        berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                        _("cannot run the credential helper %s: %s"), program,
                        local ? local->message : _("not a name"));
        return NULL;
    }
    berth_autofd int pipe = output;
    g_autofree char *text = berth_fd_read_stream(pipe, BERTH_MAX_DOCUMENT_BYTES, size, error);
    /* A helper that continues to write gets EPIPE. */
    berth_fd_clear(&pipe);
    bool ended = waitpid(pid, &status, 0) == pid;
    if (!text)
        g_prefix_error(error, _("the credential helper %s: "), program);
    if (!text || (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return g_steal_pointer(&text);
    set_helper_error(program, g_strstrip(text), ended ? status : 0, error);
    return NULL;
}

/* The members are absent, or empty, if there are no credentials. */
static bool read_helper_answer(json_object *answer, const char **username, const char **secret,
                               GError **error) {
    return berth_document_get_string(answer, "Username", username, error) &&
           berth_document_get_string(answer, "Secret", secret, error);
}

/* Returns NULL without an error if the helper has no credentials for the server. */
static BerthCredentials *ask_helper_for(const char *name, const char *key, GError **error) {
    const char *username = NULL, *secret = NULL;
    g_autoptr(GError) local = NULL;
    size_t size;
    g_autofree char *text = run_credential_helper(name, "get", key, &size, &local);

    if (!text) {
        if (!g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
            g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    g_autoptr(json_object) answer = berth_document_parse(text, size, error);
    if (!answer || !read_helper_answer(answer, &username, &secret, error)) {
        g_prefix_error(error, _("the answer of the credential helper docker-credential-%s: "),
                       name);
        return NULL;
    }
    if (!username || !username[0] || !secret)
        return NULL;
    BerthCredentials *credentials = g_new0(BerthCredentials, 1);
    if (g_str_equal(username, TOKEN_USER)) {
        credentials->identity_token = g_strdup(secret);
    } else {
        credentials->username = g_strdup(username);
        credentials->password = g_strdup(secret);
    }
    return credentials;
}

/* The other of the two keys under which helpers have credentials for Docker Hub; NULL if key is
 * not for Docker Hub. */
static const char *find_other_key(const char *key) {
    if (!berth_auth_keys_are_same(key, BERTH_AUTH_KEY_HUB))
        return NULL;
    return g_str_equal(key, BERTH_AUTH_KEY_HUB) ? BERTH_AUTH_KEY_HUB_URL : BERTH_AUTH_KEY_HUB;
}

BerthCredentials *dist_credential_helper_get(const char *name, const char *key, GError **error) {
    const char *other = find_other_key(key);
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) found = ask_helper_for(name, key, &local);

    if (!found && !local && other)
        found = ask_helper_for(name, other, &local);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    return g_steal_pointer(&found);
}

bool dist_credential_helper_store(const char *name, const char *key,
                                  const BerthCredentials *credentials, GError **error) {
    g_autoptr(json_object) object = json_object_new_object();
    size_t size;

    berth_document_add_string(object, "ServerURL", key);
    berth_document_add_string(object, "Username",
                              credentials->identity_token ? TOKEN_USER : credentials->username);
    berth_document_add_string(object, "Secret",
                              credentials->identity_token ? credentials->identity_token
                                                          : credentials->password);
    g_autofree char *text = berth_document_print(object, false);
    g_autofree char *output = run_credential_helper(name, "store", text, &size, error);
    return output != NULL;
}

/* A helper without credentials is not an error; *removed remains as it is. */
static bool erase_key(const char *name, const char *key, bool *removed, GError **error) {
    g_autoptr(GError) local = NULL;
    size_t size;
    g_autofree char *output = run_credential_helper(name, "erase", key, &size, &local);

    *removed = *removed || output != NULL;
    if (output || g_error_matches(local, BERTH_ERROR, BERTH_ERROR_NOT_FOUND))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

bool dist_credential_helper_erase(const char *name, const char *key, bool *removed,
                                  GError **error) {
    const char *other = find_other_key(key);

    return erase_key(name, key, removed, error) &&
           (!other || erase_key(name, other, removed, error));
}
