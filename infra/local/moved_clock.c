/* A wall clock that can be moved, for processes that must not know.
 *
 * Preloaded (LD_PRELOAD), it answers the calls that read the time of day with real time plus the offset that a
 * file holds ("+259200.0\n": seconds), and takes the offset off again where a call waits until a time of day. The
 * monotonic clock, relative waits and file times stay real.
 *
 * Every call looks at the file's identity (one stat) and reads it only when it was replaced: no lock is taken and
 * nothing is cached beyond that, so all threads of all processes see a new time at once. libfaketime does the same
 * and far more, but holds up threads that wait: a gRPC client with 8 threads fell from 1,400 to 40 calls a second.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
/* No machine has been up for 31 years: a larger absolute time is a time of day, a smaller one is monotonic. */
#define TIME_OF_DAY 1000000000

static const char *path;
static _Atomic int64_t offset;
static _Atomic uint64_t seen;

static int (*real_cond_timedwait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
static int (*real_cond_clockwait)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
static int (*real_sem_timedwait)(sem_t *, const struct timespec *);
static int (*real_sem_clockwait)(sem_t *, clockid_t, const struct timespec *);
static int (*real_mutex_timedlock)(pthread_mutex_t *, const struct timespec *);
static int (*real_clock_gettime)(clockid_t, struct timespec *);

/* The newest symbol: plain dlsym answers the oldest version of pthread_cond_timedwait on x86-64. */
static void *next(const char *name) {
    void *found = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    return found ? found : dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
    path = getenv("MOVED_CLOCK_FILE");
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_cond_timedwait =
        (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))next("pthread_cond_timedwait");
    real_cond_clockwait = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(
        RTLD_NEXT, "pthread_cond_clockwait");
    real_sem_timedwait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    real_sem_clockwait = (int (*)(sem_t *, clockid_t, const struct timespec *))dlsym(RTLD_NEXT, "sem_clockwait");
    real_mutex_timedlock =
        (int (*)(pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
}

static int64_t read_offset(void) {
    struct stat about;
    int kept = errno;
    if (path == NULL || stat(path, &about) != 0) {
        errno = kept;
        return atomic_load(&offset);
    }
    /* FNV-1a over what changes when a file is replaced. */
    uint64_t parts[] = {about.st_ino, about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_ctim.tv_nsec};
    uint64_t identity = 14695981039346656037ULL;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        identity = (identity ^ parts[i]) * 1099511628211ULL;
    if (identity != atomic_load(&seen)) {
        char text[64] = {0};
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) {
                atomic_store(&offset, (int64_t)(strtod(text, NULL) * SECOND));
                atomic_store(&seen, identity);
            }
            close(file);
        }
    }
    errno = kept;
    return atomic_load(&offset);
}

static struct timespec shifted(const struct timespec *time, int64_t by) {
    int64_t total = (int64_t)time->tv_sec * SECOND + time->tv_nsec + by;
    if (total < 0)
        total = 0;
    return (struct timespec){.tv_sec = total / SECOND, .tv_nsec = total % SECOND};
}

int clock_gettime(clockid_t clock, struct timespec *answer) {
    int result = real_clock_gettime ? real_clock_gettime(clock, answer)
                                    : (int)syscall(SYS_clock_gettime, clock, answer);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        *answer = shifted(answer, read_offset());
    return result;
}

int gettimeofday(struct timeval *restrict answer, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    answer->tv_sec = now.tv_sec;
    answer->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *answer) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (answer != NULL)
        *answer = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *answer, int base) {
    if (base != TIME_UTC)
        return 0;
    clock_gettime(CLOCK_REALTIME, answer);
    return base;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until) {
    struct timespec real = until->tv_sec > TIME_OF_DAY ? shifted(until, -read_offset()) : *until;
    return real_cond_timedwait(cond, mutex, &real);
}

int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, clockid_t clock,
                           const struct timespec *restrict until) {
    struct timespec real = clock == CLOCK_REALTIME ? shifted(until, -read_offset()) : *until;
    return real_cond_clockwait(cond, mutex, clock, &real);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec real = shifted(until, -read_offset());
    return real_sem_timedwait(semaphore, &real);
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
    struct timespec real = clock == CLOCK_REALTIME ? shifted(until, -read_offset()) : *until;
    return real_sem_clockwait(semaphore, clock, &real);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec real = shifted(until, -read_offset());
    return real_mutex_timedlock(mutex, &real);
}
