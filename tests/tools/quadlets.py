# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unit files for well-known programs, in the style of those that public projects and their users write for podman. They
are not copies, but need the same features of the format. Also a file for each key that docs/quadlet.md lists."""

import pathlib
import re

PAGE = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "quadlet.md"
KINDS = ("container", "volume", "network", "image", "pod", "build")

# Files of root, as in /etc/containers/systemd.
OF_THE_SYSTEM = {
    # A pod with a database and a cache.
    "nextcloud.pod": "[Unit]\nDescription=Nextcloud\n\n[Pod]\nPodName=nextcloud\nPublishPort=127.0.0.1:8080:80\nNetwork=web.network\n\n"
                     "[Install]\nWantedBy=multi-user.target\n",
    "nextcloud-db.container": """
[Unit]
Description=Database of Nextcloud

[Container]
Image=docker.io/library/postgres:16-alpine
ContainerName=nextcloud-db
Pod=nextcloud.pod
Volume=nextcloud-db.volume:/var/lib/postgresql/data:Z
Environment=POSTGRES_DB=nextcloud POSTGRES_USER=nextcloud
Secret=nextcloud-db-password,type=env,target=POSTGRES_PASSWORD
HealthCmd=pg_isready -U nextcloud
HealthInterval=10s
HealthRetries=5
Notify=healthy
AutoUpdate=registry

[Service]
Restart=always
""",
    "nextcloud-redis.container": "[Container]\nImage=docker.io/library/redis:7-alpine\nPod=nextcloud.pod\nVolume=redis.volume:/data\n"
                                 "Exec=redis-server --save 60 1 --loglevel warning\nReadOnly=true\nDropCapability=all\n"
                                 "AddCapability=CAP_SETUID CAP_SETGID\n\n[Service]\nRestart=always\n",
    "nextcloud.container": """
[Unit]
Description=Nextcloud's web server
Requires=nextcloud-db.service nextcloud-redis.service
After=nextcloud-db.service nextcloud-redis.service

[Container]
Image=docker.io/library/nextcloud:29-apache
Pod=nextcloud.pod
Volume=nextcloud.volume:/var/www/html:z
Volume=/srv/nextcloud/data:/var/www/html/data:rw,z
EnvironmentFile=nextcloud.env
Secret=nextcloud-db-password,type=env,target=POSTGRES_PASSWORD
StopTimeout=60

[Service]
Restart=on-failure
RestartSec=30s
TimeoutStartSec=900
ExecStartPre=/usr/bin/mkdir -p /srv/nextcloud/data
""",
    "nextcloud.env": "POSTGRES_HOST=localhost\nREDIS_HOST=localhost\n",
    "nextcloud.volume": "[Volume]\nVolumeName=nextcloud\n",
    "nextcloud-db.volume": "[Volume]\n",
    "redis.volume": "[Volume]\nDriver=local\n",
    "web.network": "[Unit]\nDescription=What the proxy sees\n\n[Network]\nNetworkName=web\nSubnet=10.89.20.0/24\nGateway=10.89.20.1\n"
                   "IPv6=true\nSubnet=fd00:20::/64\nGateway=fd00:20::1\nInternal=false\nDisableDNS=false\nLabel=app=web\n",
    # A proxy that reads the labels of other containers.
    "traefik.container": """
[Unit]
Description=Traefik
Wants=network-online.target
After=network-online.target podman.socket

[Container]
Image=docker.io/library/traefik:v3.1
ContainerName=traefik
Network=web.network
PublishPort=80:80
PublishPort=443:443/tcp
PublishPort=443:443/udp
Volume=/run/podman/podman.sock:/var/run/docker.sock:ro
Volume=%t/traefik.toml:/etc/traefik/traefik.toml:ro
SecurityLabelType=container_runtime_t
SecurityLabelLevel=s0:c1,c2
Label=traefik.enable=true
Label="traefik.http.routers.dashboard.rule=Host(`traefik.example.com`) && PathPrefix(`/dashboard`)"
Label='traefik.http.middlewares.auth.basicauth.users=admin:$$apr1$$x$$y'
NoNewPrivileges=true
AutoUpdate=registry

[Service]
Restart=always

[Install]
WantedBy=multi-user.target default.target
""",
    # A server that reloads its configuration.
    "caddy.container": """
[Container]
Image=docker.io/library/caddy:2
PublishPort=[::1]:8443:443
PublishPort=8081:80
AddCapability=NET_ADMIN
Sysctl=net.core.somaxconn=1024 net.ipv4.ip_unprivileged_port_start=0
Ulimit=nofile=65536:65536
Volume=/etc/caddy/Caddyfile:/etc/caddy/Caddyfile:ro,Z
Volume=caddy-data:/data
Volume=caddy-config:/config
Tmpfs=/tmp:rw,size=64M,mode=1777
ReloadCmd=caddy reload --config /etc/caddy/Caddyfile
RunInit=true
""",
    # Two ports to the outside, one for passwords.
    "gitea.container": """
[Unit]
Description=Gitea
[Container]
Image=gitea.image
Environment=USER_UID=1000 USER_GID=1000
Environment=GITEA__server__ROOT_URL=https://git.example.com/ "GITEA__mailer__FROM=\\"Gitea\\" <git@example.com>"
PublishPort=3000:3000
PublishPort=2222:22
Timezone=local
Volume=/srv/gitea:/data
Volume=/etc/localtime:/etc/localtime:ro
Mount=type=tmpfs,destination=/tmp/gitea,tmpfs-size=64m
Annotation=org.example.backup="daily"
LogDriver=journald
Memory=1g
PidsLimit=512
[Service]
Restart=always
CPUQuota=200%
Slice=machine.slice
[Install]
WantedBy=default.target
""",
    "gitea.image": "[Image]\nImage=docker.io/gitea/gitea:1.22\nTLSVerify=true\nPolicy=newer\n",
    # A server with a fixed address, which resolves names for others.
    "dns.network": "[Network]\nSubnet=10.89.53.0/24\nDriver=bridge\nOptions=mtu=1400\nPodmanArgs=--ignore\n",
    "pihole.container": """
[Container]
Image=docker.io/pihole/pihole:latest
HostName=pihole.example.com
Network=dns.network:ip=10.89.53.2
DNS=127.0.0.1
DNS=1.1.1.1
DNSSearch=example.com
AddHost=router:10.89.53.1
PublishPort=53:53/tcp
PublishPort=53:53/udp
PublishPort=8053:80/tcp
AddCapability=NET_RAW SYS_NICE
Environment=TZ=Europe/Berlin "WEBPASSWORD=pass word" DNSMASQ_LISTENING=all
Volume=pihole:/etc/pihole
ShmSize=128m
HealthCmd="dig +short +norecurse @127.0.0.1 pi.hole || exit 1"
HealthStartPeriod=30s
HealthTimeout=5s
HealthOnFailure=kill
""",
    # The host's network, and devices that may not exist.
    "homeassistant.container": """
[Container]
Image=ghcr.io/home-assistant/home-assistant:stable
Network=host
AddDevice=-/dev/ttyACM0:/dev/ttyACM0
AddDevice=-/dev/serial/by-id/usb-Zigbee_Stick-if00:/dev/zigbee:rw
AddDevice=/dev/null:/dev/discarded
Volume=/srv/homeassistant:/config:Z
Volume=/run/dbus:/run/dbus:ro
AddCapability=CAP_NET_RAW
GroupAdd=dialout
SecurityLabelDisable=true
[Service]
Restart=on-failure
TimeoutStopSec=70
[Install]
WantedBy=multi-user.target
""",
    # A program that reads the state of the machine.
    "node-exporter.container": "[Container]\nImage=quay.io/prometheus/node-exporter:latest\nNetwork=host\nPodmanArgs=--pid=host\n"
                               "Volume=/:/host:ro,rslave\nExec=--path.rootfs=/host --collector.filesystem.mount-points-exclude='^/(dev|proc|sys)($$|/)'\n",
    # A tunnel.
    "wireguard.container": "[Container]\nImage=lscr.io/linuxserver/wireguard\nAddCapability=NET_ADMIN SYS_MODULE\nSysctl=net.ipv4.conf.all.src_valid_mark=1\n"
                           "PublishPort=51820:51820/udp\nEnvironment=PUID=1000 PGID=1000 PEERS=laptop,phone\nVolume=/srv/wireguard:/config\n"
                           "Volume=/lib/modules:/lib/modules:ro\n[Install]\nWantedBy=multi-user.target\n",
    # An image that is built here, and one service for each instance name.
    "app.build": "[Unit]\nDescription=The image of the application\n\n[Build]\nImageTag=localhost/app:latest\nSetWorkingDirectory=unit\nFile=Containerfile\n"
                 "BuildArg=VERSION=1 \"NAME=the application\"\nTarget=run\nLabel=app=app\nPull=newer\n",
    "app@.container": """
[Unit]
Description=The application, %i
PartOf=app.target

[Container]
Image=app.build
ContainerName=app-%i
HostName=%p-%i
Network=web.network
NetworkAlias=app-%i
User=1000
Group=1000
WorkingDir=/srv
Environment=INSTANCE=%i HOST=%H
Volume=app-%i:/srv/data
Notify=true
StopSignal=SIGINT

[Service]
Restart=always
WatchdogSec=30

[Install]
WantedBy=multi-user.target
DefaultInstance=main
""",
    # A forge with its database in a pod, as its documentation describes it for podman.
    "forgejo.pod": "[Pod]\nPodName=forgejo\nPublishPort=127.0.0.1:3001:3000\nPublishPort=2223:22\nStopTimeout=30\n[Install]\nWantedBy=default.target\n",
    "forgejo.container": """
[Unit]
Description=Forgejo
Requires=forgejo-db.service
After=forgejo-db.service

[Container]
Image=codeberg.org/forgejo/forgejo:11
Pod=forgejo.pod
Volume=forgejo.volume:/data
Volume=/etc/timezone:/etc/timezone:ro
Environment=USER_UID=1000
Environment=USER_GID=1000
Environment=FORGEJO__database__DB_TYPE=postgres FORGEJO__database__HOST=localhost:5432
Secret=forgejo-db,type=env,target=FORGEJO__database__PASSWD
Secret=forgejo-key,type=mount,target=signing.key,uid=1000,gid=1000,mode=0400
HealthCmd=curl -fsS http://localhost:3000/api/healthz
HealthInterval=30s
HealthStartPeriod=60s
HealthStartupCmd=curl -fsS http://localhost:3000/
HealthStartupInterval=5s
HealthLogDestination=events_logger
Pull=newer
Retry=5
RetryDelay=10s
AutoUpdate=registry

[Service]
Restart=on-failure
RestartSec=5
StartLimitBurst=5
""",
    "forgejo-db.container": "[Container]\nImage=postgres.image\nPod=forgejo.pod\nVolume=forgejo-db.volume:/var/lib/postgresql/data\nUser=999:999\nShmSize=256m\n"
                            "Exec=postgres -c shared_buffers=128MB -c 'log_line_prefix=%%m [%%p] '\nNotify=healthy\nHealthCmd=[\"CMD\",\"pg_isready\"]\nStopSignal=SIGINT\n",
    "forgejo.volume": "[Unit]\nDescription=Repositories\n[Volume]\nVolumeName=forgejo\nLabel=app=forgejo backup=yes\n",
    "forgejo-db.volume": "[Volume]\nDevice=/srv\nType=none\nOptions=bind\n",
    "postgres.image": "[Image]\nImage=docker.io/library/postgres:17\nRetry=5\nRetryDelay=10s\nOS=linux\nArch=amd64\nServiceName=postgres-pull\n",
    # A document archive with its converters, in a separate network.
    "paperless.network": "[Network]\nDriver=bridge\nSubnet=10.89.60.0/24\nGateway=10.89.60.1\nNetworkDeleteOnStop=true\n",
    "paperless.container": """
[Unit]
Description=Paperless-ngx
Wants=paperless-broker.container paperless-gotenberg.container paperless-tika.container
After=paperless-broker.container paperless-gotenberg.container paperless-tika.container

[Container]
Image=ghcr.io/paperless-ngx/paperless-ngx:2.14
ContainerName=paperless
Network=paperless.network:alias=web
Network=web.network
PublishPort=127.0.0.1:8010:8000/tcp
Volume=/srv/paperless/consume:/usr/src/paperless/consume:Z
Volume=paperless-data:/usr/src/paperless/data
Volume=paperless-media:/usr/src/paperless/media
Environment="PAPERLESS_FILENAME_FORMAT={{ created_year }}/{{ correspondent }}/{{ title }}"
Environment=PAPERLESS_REDIS=redis://systemd-paperless-broker:6379 PAPERLESS_TIKA_ENABLED=1
EnvironmentFile=-/etc/paperless.env
HealthCmd=CMD-SHELL curl -fs -S --max-time 2 http://localhost:8000 || exit 1
Ulimit=nofile=65536:65536
Ulimit=nproc=4096
Label=io.containers.autoupdate=registry
SecurityLabelDisable=true

[Service]
Restart=always
MemoryHigh=1G
TimeoutStartSec=5min

[Install]
WantedBy=multi-user.target
""",
    "paperless-broker.container": "[Container]\nImage=docker.io/library/redis:8\nNetwork=paperless.network\nVolume=paperless-redis:/data\nReadOnly=true\nTmpfs=/run\n",
    "paperless-gotenberg.container": "[Container]\nImage=docker.io/gotenberg/gotenberg:8\nNetwork=paperless.network\nDropCapability=ALL\nMemory=512m\n"
                                     "Exec=gotenberg --chromium-disable-javascript=true \\\n  --chromium-allow-list=file:///tmp/.*\n",
    "paperless-tika.container": "[Container]\nImage=docker.io/apache/tika:latest\nNetwork=paperless.network\nMask=/proc/acpi:/proc/latency_stats\n",
    # Measurements and logs.
    "prometheus.container": "[Container]\nImage=quay.io/prometheus/prometheus:v3.1.0\nContainerName=%p\nUser=65534\nGroup=65534\nNetwork=web.network\nPublishPort=9090:9090\n"
                            "Volume=./prometheus.yml:/etc/prometheus/prometheus.yml:ro\nVolume=prometheus.volume:/prometheus\nReloadSignal=HUP\n"
                            "Exec=--config.file=/etc/prometheus/prometheus.yml --storage.tsdb.retention.time=30d --web.enable-lifecycle\nHealthOnFailure=kill\n"
                            "HealthCmd=wget -qO- http://localhost:9090/-/healthy\n[Service]\nRestart=always\n[Install]\nWantedBy=multi-user.target\n",
    "prometheus.volume": "[Volume]\nLabel=app=monitoring\n",
    "prometheus.yml": "scrape_configs: []\n",
    "grafana.container": "[Unit]\nRequires=prometheus.service\nAfter=prometheus.service\n[Container]\nImage=docker.io/grafana/grafana-oss:11.5.1\nNetwork=web.network\n"
                         "Volume=grafana:/var/lib/grafana\nSecret=grafana-admin,type=mount,mode=0444\nEnvironment=GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/grafana-admin\n"
                         "ExposeHostPort=3000\nLogDriver=passthrough\nStopTimeout=90\n",
    # A message broker, and a bridge with a device that always exists.
    "mosquitto.container": "[Unit]\nDescription=Mosquitto\n[Container]\nImage=docker.io/library/eclipse-mosquitto:2\nPublishPort=1883:1883\nPublishPort=9001:9001\n"
                           "Volume=/srv/mosquitto:/mosquitto:z\nUserNS=auto\nNoNewPrivileges=true\nGlobalArgs=--quiet\n[Install]\nWantedBy=default.target\n",
    "zigbee2mqtt.container": "[Unit]\nBindsTo=mosquitto.service\nAfter=mosquitto.service\n[Container]\nImage=ghcr.io/koenkk/zigbee2mqtt:2\nAddDevice=/dev/null:/dev/ttyACM0:rw\n"
                             "GroupAdd=dialout\nTimezone=Europe/Berlin\nVolume=/srv/zigbee2mqtt:/app/data:Z\nVolume=/run/udev:/run/udev:ro\nPodmanArgs=--privileged\n",
    # A service that is started by its socket, and one that a timer starts from its own sources.
    "searxng.container": "[Unit]\nDescription=SearXNG\n[Container]\nImage=docker.io/searxng/searxng:latest\nPublishPort=127.0.0.1:8888:8080\nCgroupsMode=enabled\n"
                         "Mount=type=bind,source=/srv/searxng,destination=/etc/searxng,readonly=true\nMount=type=volume,source=searxng.volume,destination=/var/cache/searxng\n"
                         "AddCapability=CHOWN SETGID SETUID\nDropCapability=all\nUnmask=ALL\nExitIdleTimeout=10min\nNotify=healthy\nHealthCmd=wget -qO- http://127.0.0.1:8080/healthz\n",
    "searxng.socket": "[Socket]\nListenStream=8889\n[Install]\nWantedBy=sockets.target\n",
    "searxng.volume": "[Volume]\nDriver=local\nCopy=true\n",
    "site.build": "[Build]\nImageTag=localhost/site:latest\nSetWorkingDirectory=unit\nFile=./Containerfile\nAnnotation=org.opencontainers.image.source=https://example.com\n"
                  "Environment=HUGO_ENV=production\nIgnoreFile=.containerignore\nNetwork=host\nVolume=/srv/cache:/cache:rw\nPull=always\nForceRM=false\nTLSVerify=true\nRetry=3\n",
    "site.container": "[Container]\nImage=site.build\nPublishPort=8082:80\n[Service]\nRestart=always\n",
    "site-rebuild.container": "[Unit]\nDescription=New pages\n[Container]\nImage=docker.io/library/alpine:3\nExec=true\n[Service]\nType=oneshot\n",
    "site-rebuild.timer": "[Timer]\nOnCalendar=daily\nPersistent=true\nRandomizedDelaySec=15min\n[Install]\nWantedBy=timers.target\n",
}

# Files of a user, as in ~/.config/containers/systemd.
OF_A_USER = {
    "media.network": "[Network]\nNetworkName=media\n",
    "immich.container": """
[Unit]
Description=Immich
Requires=immich-db.container
After=immich-db.container

[Container]
Image=ghcr.io/immich-app/immich-server:release
Network=media.network
UserNS=keep-id
PublishPort=2283:2283
Volume=%h/pictures:/usr/src/app/upload:z
Volume=/etc/localtime:/etc/localtime:ro
AddDevice=-/dev/dri
Secret=immich-db,type=env,target=DB_PASSWORD
Environment=DB_HOSTNAME=systemd-immich-db DB_USERNAME=postgres DB_DATABASE_NAME=immich
EnvironmentFile=%h/.config/immich.env
AutoUpdate=registry

[Service]
Restart=always
TimeoutStartSec=15min

[Install]
WantedBy=default.target
""",
    "immich-db.container": "[Container]\nImage=ghcr.io/immich-app/postgres:14\nNetwork=media.network\nShmSize=128mb\nSecret=immich-db,type=env,target=POSTGRES_PASSWORD\n"
                           "Environment=POSTGRES_INITDB_ARGS='--data-checksums'\nVolume=immich-db.volume:/var/lib/postgresql/data\n"
                           "HealthCmd=pg_isready --dbname=immich --username=postgres || exit 1\nNotify=healthy\n",
    "immich-db.volume": "[Volume]\n",
    "jellyfin.container": "[Container]\nImage=docker.io/jellyfin/jellyfin\nUserNS=keep-id:uid=1000,gid=1000\nPublishPort=8096:8096/tcp\n"
                          "Volume=jellyfin-cache:/cache:Z\nVolume=%h/media:/media:ro\nAddDevice=-/dev/dri/renderD128\nSecurityLabelDisable=true\n"
                          "[Service]\nSuccessExitStatus=0 143\nSlice=media.slice\n[Install]\nWantedBy=default.target\n",
    "vaultwarden.container": "[Container]\nImage=docker.io/vaultwarden/server:latest\nPublishPort=127.0.0.1:8222:80\nVolume=%S/vaultwarden:/data:Z\n"
                             "Secret=vaultwarden-token,type=env,target=ADMIN_TOKEN\nEnvironment=DOMAIN=https://vault.example.com SIGNUPS_ALLOWED=false\n"
                             "HealthCmd=/healthcheck.sh\nReadOnly=true\nReadOnlyTmpfs=true\n",
    # Files that belong to the user, given by the path of the home directory.
    "navidrome.container": "[Unit]\nDescription=Navidrome\n[Container]\nImage=docker.io/deluan/navidrome:latest\nContainerName=navidrome\nPublishPort=4533:4533\n"
                           "UserNS=keep-id:uid=1000,gid=1000\nUser=1000:1000\nVolume=%h/music:/music:ro\nVolume=navidrome.volume:/data\nReadOnly=true\nDropCapability=all\n"
                           "NoNewPrivileges=true\nAutoUpdate=registry\n[Service]\nRestart=on-failure\n[Install]\nWantedBy=default.target\n",
    "navidrome.volume": "[Volume]\nLabel=app=navidrome\n",
    "syncthing@.container": "[Unit]\nDescription=Syncthing of %i\n[Container]\nImage=docker.io/syncthing/syncthing:1\nContainerName=syncthing-%i\nHostName=%H-%i\nNetwork=host\n"
                            "Volume=%h/Sync:/var/syncthing/Sync:Z\nVolume=%E/syncthing:/var/syncthing/config\nEnvironment=PUID=0 PGID=0 STGUIADDRESS=127.0.0.1:8384\n"
                            "[Service]\nNice=5\nSuccessExitStatus=3 4\n[Install]\nWantedBy=default.target\nDefaultInstance=main\n",
    "jupyter.image": "[Image]\nImage=quay.io/jupyter/base-notebook:latest\nAuthFile=%h/.config/containers/auth.json\nPolicy=always\n",
    "jupyter.container": "[Container]\nImage=jupyter.image\nPublishPort=127.0.0.1::8888\nUserNS=keep-id\nWorkingDir=/home/jovyan/work\nVolume=%h/notebooks:/home/jovyan/work\n"
                         "Environment=JUPYTER_TOKEN=\nEntrypoint=tini\nExec=-- start-notebook.sh --NotebookApp.base_url=/\"lab\"\nMemory=2g\nPidsLimit=-1\nStopTimeout=5\n",
}


def documented_keys(kind):
    """The rows of the page for keys of a kind: the key, what Berth does with it, how, and a line that has it."""
    page = PAGE.read_text(encoding="utf-8").split(f"## [{kind.capitalize()}]\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| (\w+)= \| (same|option|differs|refused) \| (.*?) \| (?:`(.*?)` )?\|$", page, re.MULTILINE)


def with_key(kind, key, line):
    """A file that has the line and what the key needs, and the number of that line."""
    text = f"[{kind.capitalize()}]\n"
    if kind in ("container", "image") and key not in ("Image", "Rootfs"):
        text += "Image=localhost/box:x\n"
    if kind == "build":
        text += "ImageTag=localhost/box:x\n" + ("" if key in ("File", "SetWorkingDirectory") else "SetWorkingDirectory=/srv\n")
    if key == "Group" and kind == "container":
        text += "User=1000\n"
    if key in ("Options", "Type") and kind == "volume":
        text += "Device=/srv\n"
    if key == "Variant" and kind == "image":
        text += "Arch=arm64\n"
    if key in ("Gateway", "IPRange"):
        text += "Subnet=10.9.0.0/24\n"
    return text + line + "\n", text.count("\n") + 1
