/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* polkit's textual agent, which asks for passwords on the terminal. */

#pragma once

/* Starts the agent if there is a terminal to ask on, and stops it when dist exits. */
void dist_agent_open(void);
void dist_agent_close(void);
