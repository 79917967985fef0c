/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "directory.h"
#include "install.h"
#include "limits.h"
#include "log.h"
#include "pilot.h"
#include "sender.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "melissa-pilot: runs simulations beside the solver, as the study's head asks.\n"
    "\n"
    "  melissa-pilot --head tcp://HOST:PORT --token-file FILE --id NAME --work DIR [options]\n"
    "\n"
    "  --head ENDPOINT      control socket of the study's head\n"
    "  --token-file FILE    file with the study's token\n"
    "  --id NAME            name of this pilot, unique in the study: letters, digits, '.', '_', '-'\n"
    "  --work DIR           folder in which solvers run; made if missing\n"
    "  --manifest-dir DIR   folder of the study's manifest, for relative commands (default: the current one)\n"
    "  --curve-dir DIR      keys: server.pub, client.pub, client.key, in Z85 (default: no encryption)\n"
    "  --slots N            simulations at a time (default 1)\n"
    "  --simulations N      runs at most N in its life and exits 0 after the last of them (default: as many as there are)\n"
    "  --log-file FILE      log lines are appended here (default: stderr)\n"
    "  --verbose            logs every simulation\n"
    "  --help, --version\n"
    "\n"
    "  melissa-pilot --install DIR    copies itself to DIR/melissa-pilot and exits: an init container brings it to the solver\n"
    "\n"
    "SIGTERM or SIGINT: starts nothing more, lets what runs end within the study's drainSeconds, leaves.\n"
    "A second one: ends everything at once.\n"
    "\n"
    "As process 1 of a container it sets what mpirun needs there, where it is unset: OMPI_MCA_plm and the like.\n"
    "\n"
    "Exit codes: 0 the plan is finished, or --simulations are done; 1 the system refused something; 2 wrong usage; 3 dismissed or told to end\n"
    "before the plan was finished; 4 the head was lost; 5 the head refused this pilot.\n";

static int usage(const char *problem, const char *word) {
  fprintf(stderr, "melissa-pilot: %s%s\nTry melissa-pilot --help.\n", problem, word);
  return EXIT_USAGE;
}

/** Makes `path`, of a file or folder that need not exist, absolute. */
static void set_path(char **setting, const char *path) {
  char current[PATH_MAX];
  struct text text = {0};
  if (path[0] != '/' && getcwd(current, sizeof current) != NULL) {
    text_append_string(&text, current);
    if (strcmp(path, ".") != 0) text_append_string(&text, "/");
  }
  if (strcmp(path, ".") != 0) text_append_string(&text, path);
  free(*setting);
  *setting = text.data;
}

static bool valid_name(const char *name) {
  if (name[0] == '\0' || name[0] == '.' || strlen(name) > 100) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

/** Returns -1 to go on, else the exit code. */
static int parse(int count, char **words, struct settings *settings) {
  static const struct option options[] = {
      {"head", required_argument, NULL, 'h'},       {"token-file", required_argument, NULL, 't'},
      {"id", required_argument, NULL, 'i'},         {"work", required_argument, NULL, 'w'},
      {"curve-dir", required_argument, NULL, 'c'},  {"log-file", required_argument, NULL, 'l'},
      {"manifest-dir", required_argument, NULL, 'm'}, {"slots", required_argument, NULL, 's'},
      {"simulations", required_argument, NULL, 'n'},
      {"verbose", no_argument, NULL, 'v'},          {"help", no_argument, NULL, 'H'},
      {"version", no_argument, NULL, 'V'},          {NULL, 0, NULL, 0}};
  bool limited = false;
  settings->slots = 1;
  set_path(&settings->manifestDirectory, ".");
  for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
    switch (option) {
      case 'h': settings->head = optarg; break;
      case 't': set_path(&settings->tokenFile, optarg); break;
      case 'i': settings->pilot = optarg; break;
      case 'w': set_path(&settings->workDirectory, optarg); break;
      case 'c': set_path(&settings->curveDirectory, optarg); break;
      case 'l': set_path(&settings->logFile, optarg); break;
      case 'm': set_path(&settings->manifestDirectory, optarg); break;
      case 's': settings->slots = (unsigned)strtoul(optarg, NULL, 10); break;
      case 'n': settings->simulationsMax = strtoul(optarg, NULL, 10); limited = true; break;
      case 'v': settings->verbose = true; break;
      case 'H': fputs(help, stdout); return EXIT_PLAN_FINISHED;
      case 'V': puts("melissa-pilot " MELISSA_PILOT_VERSION); return EXIT_PLAN_FINISHED;
      default: return usage("wrong usage", "");
    }
  }
  if (optind < count) return usage("unexpected word: ", words[optind]);
  if (settings->head == NULL) return usage("--head is missing", "");
  if (settings->tokenFile == NULL) return usage("--token-file is missing", "");
  if (settings->pilot == NULL) return usage("--id is missing", "");
  if (settings->workDirectory == NULL) return usage("--work is missing", "");
  if (!valid_name(settings->pilot)) return usage("--id is not a name of letters, digits, '.', '_', '-': ", settings->pilot);
  if (settings->slots < 1 || settings->slots > SLOTS_MAX) return usage("--slots is not between 1 and 256", "");
  if (limited && settings->simulationsMax < 1) return usage("--simulations is not a number from 1", "");
  return -1;
}

/**
 * What Open MPI needs where there is no ssh, no entry in the password file and no ptrace: without the first two mpirun aborts,
 * without the last its ranks crash. The study's own `env` comes after these and wins.
 */
static void set_container_defaults(void) {
  static const char *const defaults[][2] = {{"OMPI_MCA_plm", "isolated"},
                                            {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
                                            {"OMPI_MCA_hwloc_base_binding_policy", "none"},
                                            {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"}};
  for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) setenv(defaults[i][0], defaults[i][1], 0);
}

static void free_settings(struct settings *settings) {
  free(settings->tokenFile);
  free(settings->workDirectory);
  free(settings->curveDirectory);
  free(settings->logFile);
  free(settings->manifestDirectory);
  free(settings->executable);
}

static char *own_path(void) {
  char path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  return size > 0 ? memory_string(path, (size_t)size) : memory_string("/proc/self/exe", 14);
}

/** A closed standard descriptor would be taken by the next file opened, and a solver would write into it. */
static void open_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) _exit(EXIT_FAILED);
  }
}

static int run(struct settings *settings) {
  settings->executable = own_path();
  if (!log_open(settings->logFile, settings->pilot, settings->verbose)) {
    fprintf(stderr, "melissa-pilot: cannot write the log file %s: %s\n", settings->logFile, strerror(errno));
    return EXIT_USAGE;
  }
  int failed = directory_make(settings->workDirectory);
  if (failed == 0 && chdir(settings->workDirectory) < 0) failed = errno;
  if (failed != 0) {
    log_write(LOG_ERROR, "the work directory %s cannot be used: %s", settings->workDirectory, strerror(failed));
    return EXIT_USAGE;
  }
  signal(SIGPIPE, SIG_IGN);
  if (getpid() == 1) set_container_defaults();
  int code = guard_begin();
  return code >= 0 ? code : pilot_run(settings);
}

int main(int count, char **words) {
  open_standard_descriptors();
  if (count >= 2 && strcmp(words[1], "--send-outputs") == 0) return sender_run(count - 2, words + 2);
  if (count >= 2 && strcmp(words[1], "--install") == 0) return install_run(count - 2, words + 2);
  struct settings settings = {0};
  int code = parse(count, words, &settings);
  if (code < 0) code = run(&settings);
  free_settings(&settings);
  return code;
}
