/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What every worker's main() is built from: it enters its sandbox, then serves one interface to
 * berthd over the socket it was started with (sd-bus, peer to peer) until berthd closes it. Long
 * work runs as jobs in threads; the thread of the loop only talks.
 */

#pragma once

#include "base/bus-error.h"
#include "base/worker-members.h"
#include "frame/sandbox.h"

#include <systemd/sd-event.h>

/* The vtable of a worker with those members (base/worker-members.h): each is answered by
 * method_HANDLER, and sd-bus refuses a call of another signature before it is read. */
#define BERTH_FRAME_METHOD(constant, handler, name, call, reply)                                   \
    SD_BUS_METHOD(name, call, reply, method_##handler, 0),
#define BERTH_FRAME_VTABLE(MEMBERS)                                                                \
    { SD_BUS_VTABLE_START(0), MEMBERS(BERTH_FRAME_METHOD) SD_BUS_VTABLE_END }

typedef struct BerthFrame BerthFrame;

/* The whole of a worker's main(): "archive" is berth-archive, in the sandbox of that name. */
int berth_frame_main(const char *worker, const sd_bus_vtable *vtable);

/* The same in another sandbox, with something to prepare. prepare may be NULL; it is called inside
 * the sandbox, before the first call is read. */
int berth_frame_run(const BerthSandbox *sandbox, const sd_bus_vtable *vtable,
                    bool (*prepare)(BerthFrame *frame, void *userdata, GError **error),
                    void *userdata);

sd_event *berth_frame_get_event(BerthFrame *frame);

/* For method handlers, whose userdata is what berth_frame_run was given. */
BerthFrame *berth_frame_get(void);

typedef bool (*BerthJobRun)(void *job, GError **error);
typedef int (*BerthJobReply)(void *job, sd_bus_message *reply);

/*
 * Runs run(job) in a thread of its own, then answers call: with the error, or with the values that
 * reply(job, …) appends, in the thread of the loop. free_job is called at last. Takes job over.
 */
int berth_frame_run_job(sd_bus_message *call, const char *name, void *job, BerthJobRun run,
                        BerthJobReply reply, GDestroyNotify free_job);

/* A descriptor of a message as one's own, close-on-exec; negative errno on failure. */
int berth_frame_read_fd(sd_bus_message *message);
/* The same for a client's, which comes in an envelope (bare/envelope.h). A directory that a worker
 * is started with may be in one, too. */
int berth_frame_read_client_fd(sd_bus_message *message);
