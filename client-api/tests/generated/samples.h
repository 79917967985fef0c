/* SPDX-License-Identifier: Apache-2.0 */
/* Made from client-api/protocol/src/messages.ts by `npm run generate`; do not edit. */

/* Encodes every golden sample; included by protocol_test.c, which defines check() and buffer. */
static void encode_all_samples(void) {
  {
    const mlp_pilot_hello message = {.token = {"", 0}, .pilot = {"", 0}, .instance = 0ull, .host = {"", 0}, .process_id = 0u, .slots = 0u, .running = NULL, .running_count = 0};
    check("PilotHello.empty.bin", mlp_encode_pilot_hello(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_pilot_hello message = {.token = {"\164\157\153\145\156\055\060", 7}, .pilot = {"\160\151\154\157\164\055\061", 7}, .instance = 72623859790382858ull, .host = {"\150\157\163\164\055\063", 6}, .process_id = 5u, .slots = 6u, .running = (const mlp_pilot_hello_running[]){{.lease = 1099511627782ull, .simulation = 8u, .draw = 9u, .attempt = 10u}}, .running_count = 1};
    check("PilotHello.plain.bin", mlp_encode_pilot_hello(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_pilot_hello message = {.token = {"\164\157\153\145\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .pilot = {"\160\151\154\157\164\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .instance = 18446744073709551613ull, .host = {"\150\157\163\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .process_id = 4294967291u, .slots = 65530u, .running = (const mlp_pilot_hello_running[]){{.lease = 9007199254740985ull, .simulation = 4294967288u, .draw = 65527u, .attempt = 65526u}, {.lease = 9007199254740984ull, .simulation = 4294967287u, .draw = 65526u, .attempt = 65525u}, {.lease = 9007199254740983ull, .simulation = 4294967286u, .draw = 65525u, .attempt = 65524u}}, .running_count = 3};
    check("PilotHello.full.bin", mlp_encode_pilot_hello(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_pilot_welcome message = {.study = {"", 0}, .heartbeat_ms = 0u, .silence_ms = 0u, .parameter_names = NULL, .parameter_names_count = 0, .command = NULL, .command_count = 0, .launcher = NULL, .launcher_count = 0, .preprocessing = NULL, .preprocessing_count = 0, .environment = NULL, .environment_count = 0, .files = NULL, .files_count = 0, .outputs = NULL, .outputs_count = 0, .ranks = 0u, .loop = 0u, .work_directory = 0u, .keep_work_directory = 0u, .work_root = {"", 0}, .output_bytes_max = 0u, .drain_seconds = 0.0, .seed = 0ull};
    check("PilotWelcome.empty.bin", mlp_encode_pilot_welcome(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_pilot_welcome message = {.study = {"\163\164\165\144\171\055\060", 7}, .heartbeat_ms = 2u, .silence_ms = 3u, .parameter_names = (const mlp_text[]){{"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\055\063", 16}}, .parameter_names_count = 1, .command = (const mlp_text[]){{"\143\157\155\155\141\156\144\055\064", 9}}, .command_count = 1, .launcher = (const mlp_text[]){{"\154\141\165\156\143\150\145\162\055\065", 10}}, .launcher_count = 1, .preprocessing = (const mlp_text[]){{"\160\162\145\160\162\157\143\145\163\163\151\156\147\055\066", 15}}, .preprocessing_count = 1, .environment = (const mlp_pilot_welcome_environment[]){{.name = {"\156\141\155\145\055\067", 6}, .value = {"\166\141\154\165\145\055\070", 7}}}, .environment_count = 1, .files = (const mlp_pilot_welcome_files[]){{.path = {"\160\141\164\150\055\070", 6}, .content = {(const uint8_t *)"\001\002\011", 3}}}, .files_count = 1, .outputs = (const mlp_pilot_welcome_outputs[]){{.field = {"\146\151\145\154\144\055\071", 7}, .kind = 11u, .path = {"\160\141\164\150\055\061\061", 7}, .cells = 1099511627788ull, .dtype = 14u, .steps = 15u}}, .outputs_count = 1, .ranks = 11u, .loop = 12u, .work_directory = 13u, .keep_work_directory = 14u, .work_root = {"\167\157\162\153\122\157\157\164\055\061\064", 11}, .output_bytes_max = 16u, .drain_seconds = 1.61000000000000014e+1, .seed = 1099511627793ull};
    check("PilotWelcome.plain.bin", mlp_encode_pilot_welcome(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_pilot_welcome message = {.study = {"\163\164\165\144\171\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .heartbeat_ms = 4294967294u, .silence_ms = 4294967293u, .parameter_names = (const mlp_text[]){{"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}, {"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}, {"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}}, .parameter_names_count = 3, .command = (const mlp_text[]){{"\143\157\155\155\141\156\144\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, {"\143\157\155\155\141\156\144\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, {"\143\157\155\155\141\156\144\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}}, .command_count = 3, .launcher = (const mlp_text[]){{"\154\141\165\156\143\150\145\162\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, {"\154\141\165\156\143\150\145\162\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, {"\154\141\165\156\143\150\145\162\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}}, .launcher_count = 3, .preprocessing = (const mlp_text[]){{"\160\162\145\160\162\157\143\145\163\163\151\156\147\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 48}, {"\160\162\145\160\162\157\143\145\163\163\151\156\147\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 48}, {"\160\162\145\160\162\157\143\145\163\163\151\156\147\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 48}}, .preprocessing_count = 3, .environment = (const mlp_pilot_welcome_environment[]){{.name = {"\156\141\155\145\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .value = {"\166\141\154\165\145\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}}, {.name = {"\156\141\155\145\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .value = {"\166\141\154\165\145\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}}, {.name = {"\156\141\155\145\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .value = {"\166\141\154\165\145\040\061\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}}, .environment_count = 3, .files = (const mlp_pilot_welcome_files[]){{.path = {"\160\141\164\150\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .content = {(const uint8_t *)"\000\377\011\200\012", 5}}, {.path = {"\160\141\164\150\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .content = {(const uint8_t *)"\000\377\012\200\012", 5}}, {.path = {"\160\141\164\150\040\061\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .content = {(const uint8_t *)"\000\377\013\200\012", 5}}}, .files_count = 3, .outputs = (const mlp_pilot_welcome_outputs[]){{.field = {"\146\151\145\154\144\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .kind = 245u, .path = {"\160\141\164\150\040\061\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .cells = 9007199254740979ull, .dtype = 242u, .steps = 4294967281u}, {.field = {"\146\151\145\154\144\040\061\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}, .kind = 244u, .path = {"\160\141\164\150\040\061\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .cells = 9007199254740978ull, .dtype = 241u, .steps = 4294967280u}, {.field = {"\146\151\145\154\144\040\061\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}, .kind = 243u, .path = {"\160\141\164\150\040\061\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .cells = 9007199254740977ull, .dtype = 240u, .steps = 4294967279u}}, .outputs_count = 3, .ranks = 4294967285u, .loop = 244u, .work_directory = 243u, .keep_work_directory = 242u, .work_root = {"\167\157\162\153\122\157\157\164\040\061\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .output_bytes_max = 4294967280u, .drain_seconds = -1.79769313486231571e+308, .seed = 9007199254740974ull};
    check("PilotWelcome.full.bin", mlp_encode_pilot_welcome(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_lease message = {.leases = NULL, .leases_count = 0};
    check("Lease.empty.bin", mlp_encode_lease(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_lease message = {.leases = (const mlp_lease_leases[]){{.lease = 1099511627776ull, .simulation = 2u, .draw = 3u, .attempt = 4u, .group = 5u, .member = 6u, .first_step = 7u, .timeout_ms = 8u, .values = {"\166\141\154\165\145\163\055\070", 8}}}, .leases_count = 1};
    check("Lease.plain.bin", mlp_encode_lease(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_lease message = {.leases = (const mlp_lease_leases[]){{.lease = 9007199254740991ull, .simulation = 4294967294u, .draw = 65533u, .attempt = 65532u, .group = 4294967291u, .member = 65530u, .first_step = 4294967289u, .timeout_ms = 4294967288u, .values = {"\166\141\154\165\145\163\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}, {.lease = 9007199254740990ull, .simulation = 4294967293u, .draw = 65532u, .attempt = 65531u, .group = 4294967290u, .member = 65529u, .first_step = 4294967288u, .timeout_ms = 4294967287u, .values = {"\166\141\154\165\145\163\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}, {.lease = 9007199254740989ull, .simulation = 4294967292u, .draw = 65531u, .attempt = 65530u, .group = 4294967289u, .member = 65528u, .first_step = 4294967287u, .timeout_ms = 4294967286u, .values = {"\166\141\154\165\145\163\040\061\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}}}, .leases_count = 3};
    check("Lease.full.bin", mlp_encode_lease(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_started message = {.lease = 0ull, .process_id = 0u};
    check("Started.empty.bin", mlp_encode_started(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_started message = {.lease = 1099511627776ull, .process_id = 2u};
    check("Started.plain.bin", mlp_encode_started(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_started message = {.lease = 9007199254740991ull, .process_id = 4294967294u};
    check("Started.full.bin", mlp_encode_started(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_ended message = {.lease = 0ull, .simulation = 0u, .draw = 0u, .attempt = 0u, .outcome = 0u, .exit_code = 0, .reason = {"", 0}, .wall_seconds = 0.0, .cpu_seconds = 0.0, .peak_rss_bytes = 0ull, .descendants_ended = 0u, .output_bytes = 0ull, .stdout = {(const uint8_t *)"", 0}, .stderr = {(const uint8_t *)"", 0}};
    check("Ended.empty.bin", mlp_encode_ended(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_ended message = {.lease = 1099511627776ull, .simulation = 2u, .draw = 3u, .attempt = 4u, .outcome = 5u, .exit_code = -6, .reason = {"\162\145\141\163\157\156\055\066", 8}, .wall_seconds = 7.09999999999999964e+0, .cpu_seconds = 8.09999999999999964e+0, .peak_rss_bytes = 1099511627785ull, .descendants_ended = 11u, .output_bytes = 1099511627787ull, .stdout = {(const uint8_t *)"\001\002\014", 3}, .stderr = {(const uint8_t *)"\001\002\015", 3}};
    check("Ended.plain.bin", mlp_encode_ended(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_ended message = {.lease = 9007199254740991ull, .simulation = 4294967294u, .draw = 65533u, .attempt = 65532u, .outcome = 251u, .exit_code = 2147483647, .reason = {"\162\145\141\163\157\156\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}, .wall_seconds = 4.94065645841246544e-324, .cpu_seconds = -1.79769313486231571e+308, .peak_rss_bytes = 9007199254740982ull, .descendants_ended = 4294967285u, .output_bytes = 9007199254740980ull, .stdout = {(const uint8_t *)"\000\377\014\200\012", 5}, .stderr = {(const uint8_t *)"\000\377\015\200\012", 5}};
    check("Ended.full.bin", mlp_encode_ended(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_pilot_heartbeat message = {.running = NULL, .running_count = 0, .waiting = NULL, .waiting_count = 0};
    check("PilotHeartbeat.empty.bin", mlp_encode_pilot_heartbeat(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_pilot_heartbeat message = {.running = (const uint64_t[]){1099511627776ull}, .running_count = 1, .waiting = (const uint64_t[]){1099511627777ull}, .waiting_count = 1};
    check("PilotHeartbeat.plain.bin", mlp_encode_pilot_heartbeat(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_pilot_heartbeat message = {.running = (const uint64_t[]){9007199254740991ull, 9007199254740990ull, 9007199254740989ull}, .running_count = 3, .waiting = (const uint64_t[]){9007199254740990ull, 9007199254740989ull, 9007199254740988ull}, .waiting_count = 3};
    check("PilotHeartbeat.full.bin", mlp_encode_pilot_heartbeat(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_draining message = {.reason = {"", 0}};
    check("Draining.empty.bin", mlp_encode_draining(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_draining message = {.reason = {"\162\145\141\163\157\156\055\060", 8}};
    check("Draining.plain.bin", mlp_encode_draining(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_draining message = {.reason = {"\162\145\141\163\157\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}};
    check("Draining.full.bin", mlp_encode_draining(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_stop_leases message = {.leases = NULL, .leases_count = 0, .reason = {"", 0}};
    check("StopLeases.empty.bin", mlp_encode_stop_leases(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_stop_leases message = {.leases = (const uint64_t[]){1099511627776ull}, .leases_count = 1, .reason = {"\162\145\141\163\157\156\055\061", 8}};
    check("StopLeases.plain.bin", mlp_encode_stop_leases(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_stop_leases message = {.leases = (const uint64_t[]){9007199254740991ull, 9007199254740990ull, 9007199254740989ull}, .leases_count = 3, .reason = {"\162\145\141\163\157\156\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}};
    check("StopLeases.full.bin", mlp_encode_stop_leases(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_dismiss message = {.drain = 0u, .plan_finished = 0u, .reason = {"", 0}};
    check("Dismiss.empty.bin", mlp_encode_dismiss(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_dismiss message = {.drain = 1u, .plan_finished = 2u, .reason = {"\162\145\141\163\157\156\055\062", 8}};
    check("Dismiss.plain.bin", mlp_encode_dismiss(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_dismiss message = {.drain = 255u, .plan_finished = 254u, .reason = {"\162\145\141\163\157\156\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}};
    check("Dismiss.full.bin", mlp_encode_dismiss(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_head_heartbeat message = {.plan_finished = 0u};
    check("HeadHeartbeat.empty.bin", mlp_encode_head_heartbeat(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_head_heartbeat message = {.plan_finished = 1u};
    check("HeadHeartbeat.plain.bin", mlp_encode_head_heartbeat(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_head_heartbeat message = {.plan_finished = 255u};
    check("HeadHeartbeat.full.bin", mlp_encode_head_heartbeat(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_ok message = {0};
    check("Ok.empty.bin", mlp_encode_ok(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_ok message = {0};
    check("Ok.plain.bin", mlp_encode_ok(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_ok message = {0};
    check("Ok.full.bin", mlp_encode_ok(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_refused message = {.code = {"", 0}, .message = {"", 0}, .remedy = {"", 0}, .retry_after_ms = 0u};
    check("Refused.empty.bin", mlp_encode_refused(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_refused message = {.code = {"\143\157\144\145\055\060", 6}, .message = {"\155\145\163\163\141\147\145\055\061", 9}, .remedy = {"\162\145\155\145\144\171\055\062", 8}, .retry_after_ms = 4u};
    check("Refused.plain.bin", mlp_encode_refused(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_refused message = {.code = {"\143\157\144\145\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, .remedy = {"\162\145\155\145\144\171\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}, .retry_after_ms = 4294967292u};
    check("Refused.full.bin", mlp_encode_refused(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_hello message = {.token = {"", 0}, .client = 0ull, .library = {"", 0}, .host = {"", 0}, .simulation = 0u, .draw = 0u, .attempt = 0u, .ranks = 0u};
    check("ClientHello.empty.bin", mlp_encode_client_hello(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_hello message = {.token = {"\164\157\153\145\156\055\060", 7}, .client = 72623859790382857ull, .library = {"\154\151\142\162\141\162\171\055\062", 9}, .host = {"\150\157\163\164\055\063", 6}, .simulation = 5u, .draw = 6u, .attempt = 7u, .ranks = 8u};
    check("ClientHello.plain.bin", mlp_encode_client_hello(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_hello message = {.token = {"\164\157\153\145\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .client = 18446744073709551614ull, .library = {"\154\151\142\162\141\162\171\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, .host = {"\150\157\163\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .simulation = 4294967291u, .draw = 65530u, .attempt = 65529u, .ranks = 4294967288u};
    check("ClientHello.full.bin", mlp_encode_client_hello(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_welcome message = {.study = {"", 0}, .server_ranks = NULL, .server_ranks_count = 0, .first_step = 0u, .non_finite = 0u, .send_window_bytes = 0ull, .send_timeout_ms = 0u, .heartbeat_ms = 0u, .fields = NULL, .fields_count = 0};
    check("ClientWelcome.empty.bin", mlp_encode_client_welcome(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_welcome message = {.study = {"\163\164\165\144\171\055\060", 7}, .server_ranks = (const mlp_client_welcome_server_ranks[]){{.endpoint = {"\145\156\144\160\157\151\156\164\055\061", 10}, .server_key = {"\163\145\162\166\145\162\113\145\171\055\062", 11}, .host = {"\150\157\163\164\055\063", 6}}}, .server_ranks_count = 1, .first_step = 3u, .non_finite = 4u, .send_window_bytes = 1099511627780ull, .send_timeout_ms = 6u, .heartbeat_ms = 7u, .fields = (const mlp_client_welcome_fields[]){{.name = {"\156\141\155\145\055\067", 6}, .index = 9u, .dtype = 10u, .cells = 1099511627786ull, .steps = 12u}}, .fields_count = 1};
    check("ClientWelcome.plain.bin", mlp_encode_client_welcome(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_welcome message = {.study = {"\163\164\165\144\171\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .server_ranks = (const mlp_client_welcome_server_ranks[]){{.endpoint = {"\145\156\144\160\157\151\156\164\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .server_key = {"\163\145\162\166\145\162\113\145\171\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .host = {"\150\157\163\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}}, {.endpoint = {"\145\156\144\160\157\151\156\164\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .server_key = {"\163\145\162\166\145\162\113\145\171\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .host = {"\150\157\163\164\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}}, {.endpoint = {"\145\156\144\160\157\151\156\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .server_key = {"\163\145\162\166\145\162\113\145\171\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .host = {"\150\157\163\164\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}}}, .server_ranks_count = 3, .first_step = 4294967293u, .non_finite = 252u, .send_window_bytes = 9007199254740987ull, .send_timeout_ms = 4294967290u, .heartbeat_ms = 4294967289u, .fields = (const mlp_client_welcome_fields[]){{.name = {"\156\141\155\145\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .index = 65527u, .dtype = 246u, .cells = 9007199254740981ull, .steps = 4294967284u}, {.name = {"\156\141\155\145\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .index = 65526u, .dtype = 245u, .cells = 9007199254740980ull, .steps = 4294967283u}, {.name = {"\156\141\155\145\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .index = 65525u, .dtype = 244u, .cells = 9007199254740979ull, .steps = 4294967282u}}, .fields_count = 3};
    check("ClientWelcome.full.bin", mlp_encode_client_welcome(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_field message = {.simulation = 0u, .client = 0ull, .name = {"", 0}, .dtype = 0u, .cells = NULL, .cells_count = 0};
    check("Field.empty.bin", mlp_encode_field(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_field message = {.simulation = 1u, .client = 72623859790382857ull, .name = {"\156\141\155\145\055\062", 6}, .dtype = 4u, .cells = (const uint64_t[]){1099511627780ull}, .cells_count = 1};
    check("Field.plain.bin", mlp_encode_field(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_field message = {.simulation = 4294967295u, .client = 18446744073709551614ull, .name = {"\156\141\155\145\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .dtype = 252u, .cells = (const uint64_t[]){9007199254740987ull, 9007199254740986ull, 9007199254740985ull}, .cells_count = 3};
    check("Field.full.bin", mlp_encode_field(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_field_layout message = {.index = 0u, .regions = NULL, .regions_count = 0, .steps = NULL, .steps_count = 0, .partition = NULL, .partition_count = 0};
    check("FieldLayout.empty.bin", mlp_encode_field_layout(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_field_layout message = {.index = 1u, .regions = (const mlp_field_layout_regions[]){{.begin = 1099511627777ull, .end = 1099511627778ull}}, .regions_count = 1, .steps = (const mlp_field_layout_steps[]){{.begin = 3u, .end = 4u, .stride = 5u}}, .steps_count = 1, .partition = (const uint64_t[]){1099511627779ull}, .partition_count = 1};
    check("FieldLayout.plain.bin", mlp_encode_field_layout(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_field_layout message = {.index = 65535u, .regions = (const mlp_field_layout_regions[]){{.begin = 9007199254740990ull, .end = 9007199254740989ull}, {.begin = 9007199254740989ull, .end = 9007199254740988ull}, {.begin = 9007199254740988ull, .end = 9007199254740987ull}}, .regions_count = 3, .steps = (const mlp_field_layout_steps[]){{.begin = 4294967293u, .end = 4294967292u, .stride = 4294967291u}, {.begin = 4294967292u, .end = 4294967291u, .stride = 4294967290u}, {.begin = 4294967291u, .end = 4294967290u, .stride = 4294967289u}}, .steps_count = 3, .partition = (const uint64_t[]){9007199254740988ull, 9007199254740987ull, 9007199254740986ull}, .partition_count = 3};
    check("FieldLayout.full.bin", mlp_encode_field_layout(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_bye message = {.simulation = 0u, .client = 0ull, .steps_sent = 0ull};
    check("ClientBye.empty.bin", mlp_encode_client_bye(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_bye message = {.simulation = 1u, .client = 72623859790382857ull, .steps_sent = 1099511627778ull};
    check("ClientBye.plain.bin", mlp_encode_client_bye(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_bye message = {.simulation = 4294967295u, .client = 18446744073709551614ull, .steps_sent = 9007199254740989ull};
    check("ClientBye.full.bin", mlp_encode_client_bye(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_fault message = {.simulation = 0u, .draw = 0u, .attempt = 0u, .client = 0ull, .code = {"", 0}, .message = {"", 0}, .field = {"", 0}, .step = 0u, .cell = 0ull};
    check("ClientFault.empty.bin", mlp_encode_client_fault(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_fault message = {.simulation = 1u, .draw = 2u, .attempt = 3u, .client = 72623859790382859ull, .code = {"\143\157\144\145\055\064", 6}, .message = {"\155\145\163\163\141\147\145\055\065", 9}, .field = {"\146\151\145\154\144\055\066", 7}, .step = 8u, .cell = 1099511627784ull};
    check("ClientFault.plain.bin", mlp_encode_client_fault(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_fault message = {.simulation = 4294967295u, .draw = 65534u, .attempt = 65533u, .client = 18446744073709551612ull, .code = {"\143\157\144\145\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, .field = {"\146\151\145\154\144\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .step = 4294967288u, .cell = 9007199254740983ull};
    check("ClientFault.full.bin", mlp_encode_client_fault(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_next_simulations message = {.token = {"", 0}, .client = 0ull, .library = {"", 0}, .host = {"", 0}, .pilot = {"", 0}, .loop_lease = 0ull, .ranks = 0u, .wanted = 0u, .finished = NULL, .finished_count = 0};
    check("NextSimulations.empty.bin", mlp_encode_next_simulations(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_next_simulations message = {.token = {"\164\157\153\145\156\055\060", 7}, .client = 72623859790382857ull, .library = {"\154\151\142\162\141\162\171\055\062", 9}, .host = {"\150\157\163\164\055\063", 6}, .pilot = {"\160\151\154\157\164\055\064", 7}, .loop_lease = 1099511627781ull, .ranks = 7u, .wanted = 8u, .finished = (const mlp_next_simulations_finished[]){{.simulation = 9u, .draw = 10u, .attempt = 11u, .wall_seconds = 1.10999999999999996e+1}}, .finished_count = 1};
    check("NextSimulations.plain.bin", mlp_encode_next_simulations(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_next_simulations message = {.token = {"\164\157\153\145\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .client = 18446744073709551614ull, .library = {"\154\151\142\162\141\162\171\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, .host = {"\150\157\163\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .pilot = {"\160\151\154\157\164\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .loop_lease = 9007199254740986ull, .ranks = 4294967289u, .wanted = 65528u, .finished = (const mlp_next_simulations_finished[]){{.simulation = 4294967287u, .draw = 65526u, .attempt = 65525u, .wall_seconds = 4.94065645841246544e-324}, {.simulation = 4294967286u, .draw = 65525u, .attempt = 65524u, .wall_seconds = -1.79769313486231571e+308}, {.simulation = 4294967285u, .draw = 65524u, .attempt = 65523u, .wall_seconds = 4.94065645841246544e-324}}, .finished_count = 3};
    check("NextSimulations.full.bin", mlp_encode_next_simulations(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_next_simulations_reply message = {.terminated = 0u, .parameter_names = NULL, .parameter_names_count = 0, .simulations = NULL, .simulations_count = 0};
    check("NextSimulationsReply.empty.bin", mlp_encode_next_simulations_reply(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_next_simulations_reply message = {.terminated = 1u, .parameter_names = (const mlp_text[]){{"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\055\061", 16}}, .parameter_names_count = 1, .simulations = (const mlp_next_simulations_reply_simulations[]){{.simulation = 3u, .draw = 4u, .attempt = 5u, .first_step = 6u, .values = {"\166\141\154\165\145\163\055\066", 8}}}, .simulations_count = 1};
    check("NextSimulationsReply.plain.bin", mlp_encode_next_simulations_reply(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_next_simulations_reply message = {.terminated = 255u, .parameter_names = (const mlp_text[]){{"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}, {"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}, {"\160\141\162\141\155\145\164\145\162\116\141\155\145\163\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 49}}, .parameter_names_count = 3, .simulations = (const mlp_next_simulations_reply_simulations[]){{.simulation = 4294967293u, .draw = 65532u, .attempt = 65531u, .first_step = 4294967290u, .values = {"\166\141\154\165\145\163\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}, {.simulation = 4294967292u, .draw = 65531u, .attempt = 65530u, .first_step = 4294967289u, .values = {"\166\141\154\165\145\163\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}, {.simulation = 4294967291u, .draw = 65530u, .attempt = 65529u, .first_step = 4294967288u, .values = {"\166\141\154\165\145\163\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}}}, .simulations_count = 3};
    check("NextSimulationsReply.full.bin", mlp_encode_next_simulations_reply(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_stop message = {.reason = {"", 0}};
    check("ClientStop.empty.bin", mlp_encode_client_stop(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_stop message = {.reason = {"\162\145\141\163\157\156\055\060", 8}};
    check("ClientStop.plain.bin", mlp_encode_client_stop(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_stop message = {.reason = {"\162\145\141\163\157\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}};
    check("ClientStop.full.bin", mlp_encode_client_stop(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_client_heartbeat message = {.simulation = 0u, .client = 0ull};
    check("ClientHeartbeat.empty.bin", mlp_encode_client_heartbeat(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_client_heartbeat message = {.simulation = 1u, .client = 72623859790382857ull};
    check("ClientHeartbeat.plain.bin", mlp_encode_client_heartbeat(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_client_heartbeat message = {.simulation = 4294967295u, .client = 18446744073709551614ull};
    check("ClientHeartbeat.full.bin", mlp_encode_client_heartbeat(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_rank_hello message = {.token = {"", 0}, .rank = 0u, .instance = 0ull, .host = {"", 0}, .process_id = 0u, .endpoint = {"", 0}, .server_key = {"", 0}, .checkpoint = 0ull, .complete = {(const uint8_t *)"", 0}};
    check("RankHello.empty.bin", mlp_encode_rank_hello(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_rank_hello message = {.token = {"\164\157\153\145\156\055\060", 7}, .rank = 2u, .instance = 72623859790382858ull, .host = {"\150\157\163\164\055\063", 6}, .process_id = 5u, .endpoint = {"\145\156\144\160\157\151\156\164\055\065", 10}, .server_key = {"\163\145\162\166\145\162\113\145\171\055\066", 11}, .checkpoint = 1099511627783ull, .complete = {(const uint8_t *)"\001\002\010", 3}};
    check("RankHello.plain.bin", mlp_encode_rank_hello(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_rank_hello message = {.token = {"\164\157\153\145\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .rank = 4294967294u, .instance = 18446744073709551613ull, .host = {"\150\157\163\164\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .process_id = 4294967291u, .endpoint = {"\145\156\144\160\157\151\156\164\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .server_key = {"\163\145\162\166\145\162\113\145\171\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .checkpoint = 9007199254740984ull, .complete = {(const uint8_t *)"\000\377\010\200\012", 5}};
    check("RankHello.full.bin", mlp_encode_rank_hello(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_rank_welcome message = {.study = {"", 0}, .heartbeat_ms = 0u, .checkpoint = 0ull};
    check("RankWelcome.empty.bin", mlp_encode_rank_welcome(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_rank_welcome message = {.study = {"\163\164\165\144\171\055\060", 7}, .heartbeat_ms = 2u, .checkpoint = 1099511627778ull};
    check("RankWelcome.plain.bin", mlp_encode_rank_welcome(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_rank_welcome message = {.study = {"\163\164\165\144\171\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .heartbeat_ms = 4294967294u, .checkpoint = 9007199254740989ull};
    check("RankWelcome.full.bin", mlp_encode_rank_welcome(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_rank_progress message = {.sequence = 0ull, .completed = NULL, .completed_count = 0, .active = NULL, .active_count = 0, .faults = NULL, .faults_count = 0, .frames_total = 0ull, .bytes_total = 0ull, .folded_units_total = 0ull, .duplicates_total = 0ull, .refused_total = 0ull, .held_bytes = 0ull, .connections = 0u, .groups_folded = 0ull, .fold_seconds = 0.0, .rss_bytes = 0ull};
    check("RankProgress.empty.bin", mlp_encode_rank_progress(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_rank_progress message = {.sequence = 1099511627776ull, .completed = (const mlp_rank_progress_completed[]){{.simulation = 2u, .draw = 3u, .attempt = 4u, .state = 5u}}, .completed_count = 1, .active = (const mlp_rank_progress_active[]){{.simulation = 3u, .draw = 4u, .attempt = 5u, .first_step = 6u}}, .active_count = 1, .faults = (const mlp_rank_progress_faults[]){{.simulation = 4u, .draw = 5u, .attempt = 6u, .code = {"\143\157\144\145\055\066", 6}, .message = {"\155\145\163\163\141\147\145\055\067", 9}}}, .faults_count = 1, .frames_total = 1099511627780ull, .bytes_total = 1099511627781ull, .folded_units_total = 1099511627782ull, .duplicates_total = 1099511627783ull, .refused_total = 1099511627784ull, .held_bytes = 1099511627785ull, .connections = 11u, .groups_folded = 1099511627787ull, .fold_seconds = 1.20999999999999996e+1, .rss_bytes = 1099511627789ull};
    check("RankProgress.plain.bin", mlp_encode_rank_progress(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_rank_progress message = {.sequence = 9007199254740991ull, .completed = (const mlp_rank_progress_completed[]){{.simulation = 4294967294u, .draw = 65533u, .attempt = 65532u, .state = 251u}, {.simulation = 4294967293u, .draw = 65532u, .attempt = 65531u, .state = 250u}, {.simulation = 4294967292u, .draw = 65531u, .attempt = 65530u, .state = 249u}}, .completed_count = 3, .active = (const mlp_rank_progress_active[]){{.simulation = 4294967293u, .draw = 65532u, .attempt = 65531u, .first_step = 4294967290u}, {.simulation = 4294967292u, .draw = 65531u, .attempt = 65530u, .first_step = 4294967289u}, {.simulation = 4294967291u, .draw = 65530u, .attempt = 65529u, .first_step = 4294967288u}}, .active_count = 3, .faults = (const mlp_rank_progress_faults[]){{.simulation = 4294967292u, .draw = 65531u, .attempt = 65530u, .code = {"\143\157\144\145\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}}, {.simulation = 4294967291u, .draw = 65530u, .attempt = 65529u, .code = {"\143\157\144\145\040\067\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}}, {.simulation = 4294967290u, .draw = 65529u, .attempt = 65528u, .code = {"\143\157\144\145\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\071\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}}}, .faults_count = 3, .frames_total = 9007199254740987ull, .bytes_total = 9007199254740986ull, .folded_units_total = 9007199254740985ull, .duplicates_total = 9007199254740984ull, .refused_total = 9007199254740983ull, .held_bytes = 9007199254740982ull, .connections = 4294967285u, .groups_folded = 9007199254740980ull, .fold_seconds = -1.79769313486231571e+308, .rss_bytes = 9007199254740978ull};
    check("RankProgress.full.bin", mlp_encode_rank_progress(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_attempt message = {.simulation = 0u, .draw = 0u, .attempt = 0u, .drop = 0u};
    check("Attempt.empty.bin", mlp_encode_attempt(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_attempt message = {.simulation = 1u, .draw = 2u, .attempt = 3u, .drop = 4u};
    check("Attempt.plain.bin", mlp_encode_attempt(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_attempt message = {.simulation = 4294967295u, .draw = 65534u, .attempt = 65533u, .drop = 252u};
    check("Attempt.full.bin", mlp_encode_attempt(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_checkpoint message = {.number = 0ull};
    check("Checkpoint.empty.bin", mlp_encode_checkpoint(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_checkpoint message = {.number = 1099511627776ull};
    check("Checkpoint.plain.bin", mlp_encode_checkpoint(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_checkpoint message = {.number = 9007199254740991ull};
    check("Checkpoint.full.bin", mlp_encode_checkpoint(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_checkpoint_done message = {.number = 0ull, .ok = 0u, .reason = {"", 0}, .bytes = 0ull, .seconds = 0.0};
    check("CheckpointDone.empty.bin", mlp_encode_checkpoint_done(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_checkpoint_done message = {.number = 1099511627776ull, .ok = 2u, .reason = {"\162\145\141\163\157\156\055\062", 8}, .bytes = 1099511627779ull, .seconds = 4.09999999999999964e+0};
    check("CheckpointDone.plain.bin", mlp_encode_checkpoint_done(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_checkpoint_done message = {.number = 9007199254740991ull, .ok = 254u, .reason = {"\162\145\141\163\157\156\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}, .bytes = 9007199254740988ull, .seconds = -1.79769313486231571e+308};
    check("CheckpointDone.full.bin", mlp_encode_checkpoint_done(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_checkpoint_committed message = {.number = 0ull};
    check("CheckpointCommitted.empty.bin", mlp_encode_checkpoint_committed(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_checkpoint_committed message = {.number = 1099511627776ull};
    check("CheckpointCommitted.plain.bin", mlp_encode_checkpoint_committed(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_checkpoint_committed message = {.number = 9007199254740991ull};
    check("CheckpointCommitted.full.bin", mlp_encode_checkpoint_committed(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_read_statistic message = {.field = 0u, .step = 0u, .statistic = {"", 0}, .argument = 0u, .begin = 0ull, .end = 0ull};
    check("ReadStatistic.empty.bin", mlp_encode_read_statistic(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_read_statistic message = {.field = 1u, .step = 2u, .statistic = {"\163\164\141\164\151\163\164\151\143\055\062", 11}, .argument = 4u, .begin = 1099511627780ull, .end = 1099511627781ull};
    check("ReadStatistic.plain.bin", mlp_encode_read_statistic(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_read_statistic message = {.field = 65535u, .step = 4294967294u, .statistic = {"\163\164\141\164\151\163\164\151\143\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 44}, .argument = 4294967292u, .begin = 9007199254740987ull, .end = 9007199254740986ull};
    check("ReadStatistic.full.bin", mlp_encode_read_statistic(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_statistic message = {.dtype = 0u, .values = {(const uint8_t *)"", 0}};
    check("Statistic.empty.bin", mlp_encode_statistic(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_statistic message = {.dtype = 1u, .values = {(const uint8_t *)"\001\002\001", 3}};
    check("Statistic.plain.bin", mlp_encode_statistic(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_statistic message = {.dtype = 255u, .values = {(const uint8_t *)"\000\377\001\200\012", 5}};
    check("Statistic.full.bin", mlp_encode_statistic(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_read_convergence message = {.min_variance_share = 0.0, .level = 0.0, .max_variance = NULL, .max_variance_count = 0};
    check("ReadConvergence.empty.bin", mlp_encode_read_convergence(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_read_convergence message = {.min_variance_share = 1.00000000000000006e-1, .level = 1.10000000000000009e+0, .max_variance = (const double[]){2.10000000000000009e+0}, .max_variance_count = 1};
    check("ReadConvergence.plain.bin", mlp_encode_read_convergence(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_read_convergence message = {.min_variance_share = -1.79769313486231571e+308, .level = 4.94065645841246544e-324, .max_variance = (const double[]){-1.79769313486231571e+308, 4.94065645841246544e-324, -1.79769313486231571e+308}, .max_variance_count = 3};
    check("ReadConvergence.full.bin", mlp_encode_read_convergence(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_convergence message = {.groups = 0ull, .widest = 0.0, .median_width = 0.0, .cells = 0ull, .max_variance = NULL, .max_variance_count = 0};
    check("Convergence.empty.bin", mlp_encode_convergence(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_convergence message = {.groups = 1099511627776ull, .widest = 1.10000000000000009e+0, .median_width = 2.10000000000000009e+0, .cells = 1099511627779ull, .max_variance = (const double[]){4.09999999999999964e+0}, .max_variance_count = 1};
    check("Convergence.plain.bin", mlp_encode_convergence(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_convergence message = {.groups = 9007199254740991ull, .widest = 4.94065645841246544e-324, .median_width = -1.79769313486231571e+308, .cells = 9007199254740988ull, .max_variance = (const double[]){-1.79769313486231571e+308, 4.94065645841246544e-324, -1.79769313486231571e+308}, .max_variance_count = 3};
    check("Convergence.full.bin", mlp_encode_convergence(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_read_digest message = {0};
    check("ReadDigest.empty.bin", mlp_encode_read_digest(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_read_digest message = {0};
    check("ReadDigest.plain.bin", mlp_encode_read_digest(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_read_digest message = {0};
    check("ReadDigest.full.bin", mlp_encode_read_digest(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_digest message = {.digests = NULL, .digests_count = 0};
    check("Digest.empty.bin", mlp_encode_digest(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_digest message = {.digests = (const mlp_digest_digests[]){{.consumer = {"\143\157\156\163\165\155\145\162\055\060", 10}, .digest = 72623859790382857ull, .units = 1099511627778ull}}, .digests_count = 1};
    check("Digest.plain.bin", mlp_encode_digest(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_digest message = {.digests = (const mlp_digest_digests[]){{.consumer = {"\143\157\156\163\165\155\145\162\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .digest = 18446744073709551614ull, .units = 9007199254740989ull}, {.consumer = {"\143\157\156\163\165\155\145\162\040\061\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .digest = 18446744073709551613ull, .units = 9007199254740988ull}, {.consumer = {"\143\157\156\163\165\155\145\162\040\062\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 43}, .digest = 18446744073709551612ull, .units = 9007199254740987ull}}, .digests_count = 3};
    check("Digest.full.bin", mlp_encode_digest(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_fold message = {.simulation = 0u, .draw = 0u, .attempt = 0u};
    check("Fold.empty.bin", mlp_encode_fold(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_fold message = {.simulation = 1u, .draw = 2u, .attempt = 3u};
    check("Fold.plain.bin", mlp_encode_fold(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_fold message = {.simulation = 4294967295u, .draw = 65534u, .attempt = 65533u};
    check("Fold.full.bin", mlp_encode_fold(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_rank_heartbeat message = {0};
    check("RankHeartbeat.empty.bin", mlp_encode_rank_heartbeat(&buffer, &message, 0u, 0ull));
  }
  {
    const mlp_rank_heartbeat message = {0};
    check("RankHeartbeat.plain.bin", mlp_encode_rank_heartbeat(&buffer, &message, 7u, 42ull));
  }
  {
    const mlp_rank_heartbeat message = {0};
    check("RankHeartbeat.full.bin", mlp_encode_rank_heartbeat(&buffer, &message, 4294967295u, 9007199254740991ull));
  }
  {
    const mlp_open message = {.token = {"", 0}, .client = 0ull, .client_rank = 0u, .client_ranks = 0u, .simulation = 0u, .draw = 0u, .attempt = 0u, .first_unacknowledged = 0ull, .host = {"", 0}, .fields = NULL, .fields_count = 0};
    check("Open.empty.bin", mlp_encode_open(&buffer, &message, 0u));
  }
  {
    const mlp_open message = {.token = {"\164\157\153\145\156\055\060", 7}, .client = 72623859790382857ull, .client_rank = 3u, .client_ranks = 4u, .simulation = 5u, .draw = 6u, .attempt = 7u, .first_unacknowledged = 1099511627783ull, .host = {"\150\157\163\164\055\070", 6}, .fields = (const mlp_open_fields[]){{.index = 10u, .dtype = 11u, .cells = {(const uint8_t *)"\001\002\013", 3}}}, .fields_count = 1};
    check("Open.plain.bin", mlp_encode_open(&buffer, &message, 7u));
  }
  {
    const mlp_open message = {.token = {"\164\157\153\145\156\040\060\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 40}, .client = 18446744073709551614ull, .client_rank = 4294967293u, .client_ranks = 4294967292u, .simulation = 4294967291u, .draw = 65530u, .attempt = 65529u, .first_unacknowledged = 9007199254740984ull, .host = {"\150\157\163\164\040\070\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .fields = (const mlp_open_fields[]){{.index = 65526u, .dtype = 245u, .cells = {(const uint8_t *)"\000\377\013\200\012", 5}}, {.index = 65525u, .dtype = 244u, .cells = {(const uint8_t *)"\000\377\014\200\012", 5}}, {.index = 65524u, .dtype = 243u, .cells = {(const uint8_t *)"\000\377\015\200\012", 5}}}, .fields_count = 3};
    check("Open.full.bin", mlp_encode_open(&buffer, &message, 4294967295u));
  }
  {
    const mlp_opened message = {.instance = 0ull, .held = 0ull, .credit_limit = 0ull, .ring = {"", 0}, .simulation = 0u, .draw = 0u, .attempt = 0u};
    check("Opened.empty.bin", mlp_encode_opened(&buffer, &message, 0u));
  }
  {
    const mlp_opened message = {.instance = 72623859790382856ull, .held = 1099511627777ull, .credit_limit = 1099511627778ull, .ring = {"\162\151\156\147\055\063", 6}, .simulation = 5u, .draw = 6u, .attempt = 7u};
    check("Opened.plain.bin", mlp_encode_opened(&buffer, &message, 7u));
  }
  {
    const mlp_opened message = {.instance = 18446744073709551615ull, .held = 9007199254740990ull, .credit_limit = 9007199254740989ull, .ring = {"\162\151\156\147\040\063\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .simulation = 4294967291u, .draw = 65530u, .attempt = 65529u};
    check("Opened.full.bin", mlp_encode_opened(&buffer, &message, 4294967295u));
  }
  {
    const mlp_ack message = {.simulation = 0u, .attempt = 0u, .held = 0ull, .credit_limit = 0ull};
    check("Ack.empty.bin", mlp_encode_ack(&buffer, &message, 0u));
  }
  {
    const mlp_ack message = {.simulation = 1u, .attempt = 2u, .held = 1099511627778ull, .credit_limit = 1099511627779ull};
    check("Ack.plain.bin", mlp_encode_ack(&buffer, &message, 7u));
  }
  {
    const mlp_ack message = {.simulation = 4294967295u, .attempt = 65534u, .held = 9007199254740989ull, .credit_limit = 9007199254740988ull};
    check("Ack.full.bin", mlp_encode_ack(&buffer, &message, 4294967295u));
  }
  {
    const mlp_data_refused message = {.simulation = 0u, .draw = 0u, .attempt = 0u, .retry = 0u, .code = {"", 0}, .message = {"", 0}, .remedy = {"", 0}};
    check("DataRefused.empty.bin", mlp_encode_data_refused(&buffer, &message, 0u));
  }
  {
    const mlp_data_refused message = {.simulation = 1u, .draw = 2u, .attempt = 3u, .retry = 4u, .code = {"\143\157\144\145\055\064", 6}, .message = {"\155\145\163\163\141\147\145\055\065", 9}, .remedy = {"\162\145\155\145\144\171\055\066", 8}};
    check("DataRefused.plain.bin", mlp_encode_data_refused(&buffer, &message, 7u));
  }
  {
    const mlp_data_refused message = {.simulation = 4294967295u, .draw = 65534u, .attempt = 65533u, .retry = 252u, .code = {"\143\157\144\145\040\064\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 39}, .message = {"\155\145\163\163\141\147\145\040\065\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 42}, .remedy = {"\162\145\155\145\144\171\040\066\040\342\200\223\040\107\162\303\266\303\237\145\040\342\210\206\124\040\346\270\251\345\272\246\040\360\237\214\241\037\042\134\012", 41}};
    check("DataRefused.full.bin", mlp_encode_data_refused(&buffer, &message, 4294967295u));
  }
  {
    const mlp_close message = {.simulation = 0u, .draw = 0u, .attempt = 0u, .client = 0ull, .client_rank = 0u};
    check("Close.empty.bin", mlp_encode_close(&buffer, &message, 0u));
  }
  {
    const mlp_close message = {.simulation = 1u, .draw = 2u, .attempt = 3u, .client = 72623859790382859ull, .client_rank = 5u};
    check("Close.plain.bin", mlp_encode_close(&buffer, &message, 7u));
  }
  {
    const mlp_close message = {.simulation = 4294967295u, .draw = 65534u, .attempt = 65533u, .client = 18446744073709551612ull, .client_rank = 4294967291u};
    check("Close.full.bin", mlp_encode_close(&buffer, &message, 4294967295u));
  }
}
