# cinch on Debian 12, built by a user without rights. See docs/setup.md.
FROM debian:12

# What setup.sh would ask root for, from the script itself, so that the two never differ.
COPY scripts/setup.sh /tmp/scripts/setup.sh
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3 python3-venv python3-dev \
      $(bash -c 'eval "$(sed -n "/^packages=(/,/)/p" /tmp/scripts/setup.sh)"; echo "${packages[@]}"') \
 && rm -rf /var/lib/apt/lists/* /tmp/scripts

# The folder before the user: WORKDIR would make it root's.
RUN useradd --create-home trainer && install -d -o trainer -g trainer /home/trainer/cinch
USER trainer
WORKDIR /home/trainer/cinch
COPY --chown=trainer . .
RUN scripts/test.sh --build-only
CMD ["build/bin/cinch-train", "--model", "resnet18", "--steps", "30", "--budget", "floor+25%"]
