/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One question to polkit and its answer: CheckAuthorization of polkit's D-Bus interface. There is
 * no state: the question belongs to the caller, and the slot that the caller passes owns the
 * pending call. The one thing to know: an error or an unreadable answer counts as a refusal. See
 * polkit.h.
 */

#include "bus/polkit.h"

#include "base/bus-error.h"
#include "base/log.h"
#include "config.h"

#include <string.h>

#define ASK_TIMEOUT_USEC (300ull * G_USEC_PER_SEC) /* time for a person to type a password */

/* A value of polkit's CheckAuthorizationFlags. */
enum { ALLOW_USER_INTERACTION = 1 };

static int append_detail(sd_bus_message *message, const BerthPermission *permission,
                         const char *key, const char *value) {
    g_autofree char *formatted = berth_permission_format_detail(permission, key, value);

    return sd_bus_message_append(message, "{ss}", key, formatted);
}

/* "polkit.message" and "polkit.gettext_domain" replace the action's message in the authentication
 * dialog. */
static int append_details(sd_bus_message *message, const BerthQuestion *question) {
    char *const *details = question->details;
    int r;

    if ((r = sd_bus_message_open_container(message, 'a', "{ss}")) < 0 ||
        (r = sd_bus_message_append(message, "{ss}", "verb", question->permission->verb)) < 0)
        return r;
    for (char *const *detail = details; r >= 0 && detail[0]; detail += 2)
        if (detail[1])
            r = append_detail(message, question->permission, detail[0], detail[1]);
    if (r >= 0 && question->permission->message)
        r = sd_bus_message_append(message, "{ss}{ss}", "polkit.message",
                                  question->permission->message, "polkit.gettext_domain",
                                  GETTEXT_DOMAIN);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Each value is preceded by its length, so that a value cannot be mistaken for further details: two
 * questions with the same key would share one verdict. */
char *berth_question_make_key(const BerthQuestion *question) {
    GString *key = g_string_new(question->permission->action);

    g_string_append_printf(key, " %s %d", question->permission->verb, question->interactive);
    for (char *const *detail = question->details; detail[0]; detail += 2)
        if (detail[1])
            g_string_append_printf(key, " %s %zu:%s", detail[0], strlen(detail[1]), detail[1]);
    return g_string_free(key, FALSE);
}

/* The subject is the caller's unique bus name: polkit asks the bus for the process behind it, which
 * a client cannot forge. */
int berth_polkit_ask(sd_bus *bus, sd_bus_slot **slot, const char *client,
                     const BerthQuestion *question, sd_bus_message_handler_t answered,
                     void *userdata) {
    g_autofree char *action = g_strconcat(BERTH_ACTION_PREFIX, question->permission->action, NULL);
    g_autoptr(sd_bus_message) message = NULL;
    int r;

    if ((r = sd_bus_message_new_method_call(
             bus, &message, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
             "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization")) < 0 ||
        (r = sd_bus_message_append(message, "(sa{sv})s", "system-bus-name", 1, "name", "s", client,
                                   action)) < 0 ||
        (r = append_details(message, question)) < 0 ||
        (r = sd_bus_message_append(message, "us",
                                   question->interactive ? ALLOW_USER_INTERACTION : 0, "")) < 0)
        return r;
    return sd_bus_call_async(bus, slot, message, answered, userdata, ASK_TIMEOUT_USEC);
}

/* Without polkit, only root is granted anything. The result is (is_authorized, is_challenge,
 * details); a challenge means that authentication could lead to a grant. */
BerthAuditVerdict berth_polkit_read_verdict(sd_bus_message *reply) {
    int authorized = 0, challenge = 0;

    if (sd_bus_message_is_method_error(reply, NULL)) {
        berth_log_warning(NULL, NULL, "Cannot ask polkit: %s",
                          sd_bus_message_get_error(reply)->message);
        return BERTH_AUDIT_REFUSED;
    }
    if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
        sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
        return BERTH_AUDIT_REFUSED;
    return authorized  ? BERTH_AUDIT_GRANTED
           : challenge ? BERTH_AUDIT_CHALLENGE
                       : BERTH_AUDIT_REFUSED;
}
