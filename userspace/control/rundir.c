// SPDX-License-Identifier: GPL-2.0
/*
 * Finds, makes and tidies the directory of control sockets.  The launcher and
 * the commands call it.  It must not remove a socket that somebody listens to:
 * names are claimed and removed under a lock on the directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "userspace/control/rundir.h"

#define ENDING		".sock"
#define BACKLOG		16
#define CONNECT_LIMIT	3	/* seconds */

/* Where it is to be; false: the environment's path is too long. */
static bool choose(struct rundir *dir)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!geteuid())
		n = snprintf(dir->path, sizeof(dir->path), "/run/hvmod");
	else if (runtime && *runtime == '/')
		n = snprintf(dir->path, sizeof(dir->path), "%s/hvmod", runtime);
	else
		n = snprintf(dir->path, sizeof(dir->path), "/tmp/hvmod-%u",
			     (unsigned int)geteuid());
	return n >= 0 && (size_t)n < sizeof(dir->path);
}

int rundir_open(struct rundir *dir, bool make, struct err *err)
{
	struct stat st;
	int code;

	dir->fd = -1;
	if (!choose(dir))
		return err_set(err, ENAMETOOLONG, "XDG_RUNTIME_DIR is too long for a socket");
	if (make && mkdir(dir->path, 0700) && errno != EEXIST)
		return err_set(err, errno, "cannot make %s: %s", dir->path, strerror(errno));
	/* Not through a link, which in /tmp anybody can make. */
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd < 0) {
		code = errno;
		return err_set(err, code, "cannot open %s: %s", dir->path, strerror(code));
	}
	if (fstat(dir->fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		rundir_close(dir);
		return err_set(err, EPERM,
			       "%s is not this user's alone: its owner or mode is wrong; remove it",
			       dir->path);
	}
	return 0;
}

void rundir_close(struct rundir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
}

static int address(const struct rundir *dir, const char *name, struct sockaddr_un *sun,
		   struct err *err)
{
	int n;

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s" ENDING, dir->path, name);
	if (n < 0 || (size_t)n >= sizeof(sun->sun_path))
		return err_set(err, ENAMETOOLONG,
			       "the name %s is too long: with %s it has more than %zu characters",
			       name, dir->path, sizeof(sun->sun_path) - 1);
	return 0;
}

/* A socket, -ECONNREFUSED: nobody is behind it, -ENOENT. */
static int try_connect(const struct sockaddr_un *sun)
{
	const struct timeval limit = { .tv_sec = CONNECT_LIMIT };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	/* Of a launcher that is stopped the queue fills. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	do
		ret = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	while (ret < 0 && errno == EINTR);
	if (!ret)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int rundir_claim(struct rundir *dir, const char *name, struct err *err)
{
	struct sockaddr_un sun;
	int ret = address(dir, name, &sun, err), fd = -1;
	mode_t mask;

	if (ret)
		return ret;
	flock(dir->fd, LOCK_EX);
	ret = try_connect(&sun);
	if (ret >= 0) {
		close(ret);
		ret = err_set(err, EEXIST, "a guest with the name %s runs already", name);
		goto out;
	}
	if (ret == -ECONNREFUSED)
		unlink(sun.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	ret = fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) || listen(fd, BACKLOG) ?
		err_set(err, errno, "cannot listen at %s: %s", sun.sun_path, strerror(errno)) : 0;
	umask(mask);
out:
	flock(dir->fd, LOCK_UN);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return ret;
}

int rundir_connect(struct rundir *dir, const char *name, struct err *err)
{
	struct sockaddr_un sun;
	int ret = address(dir, name, &sun, err);

	if (ret)
		return ret;
	ret = try_connect(&sun);
	if (ret == -ECONNREFUSED) {
		/* Its guest has ended.  Or a new one just claims the name. */
		flock(dir->fd, LOCK_EX);
		ret = try_connect(&sun);
		if (ret == -ECONNREFUSED) {
			unlink(sun.sun_path);
			ret = -ENOENT;
		}
		flock(dir->fd, LOCK_UN);
	}
	if (ret == -ENOENT)
		return err_set(err, ENOENT,
			       "there is no guest %s; 'hvctl list' shows those that run", name);
	if (ret < 0)
		return err_set(err, -ret, "cannot speak to %s: %s", name, strerror(-ret));
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int rundir_list(struct rundir *dir, char ***names, struct err *err)
{
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char **all = NULL, **more;

	*names = NULL;
	if (!stream)
		return err_set(err, errno, "cannot read %s: %s", dir->path, strerror(errno));
	while ((entry = readdir(stream))) {
		size_t len = strlen(entry->d_name), cut = strlen(ENDING);

		if (len <= cut || strcmp(entry->d_name + len - cut, ENDING))
			continue;
		more = realloc(all, (size_t)(count + 1) * sizeof(*all));
		if (more)
			all = more;
		if (more)
			all[count] = strndup(entry->d_name, len - cut);
		if (!more || !all[count])
			break;
		count++;
	}
	closedir(stream);
	if (entry) {
		while (count)
			free(all[--count]);
		free(all);
		return err_set(err, ENOMEM, "no memory for the list");
	}
	if (count)
		qsort(all, (size_t)count, sizeof(*all), by_name);
	*names = all;
	return count;
}

void rundir_file(const struct rundir *dir, const char *name, const char *ending, char *path,
		 size_t room)
{
	snprintf(path, room, "%s/%s%s", dir->path, name, ending);
}
