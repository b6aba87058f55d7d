# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unit files of the kinds that public projects and their users write for podman, each for a program that is well known: what
they need of the format, put together anew."""

# As root's, in /etc/containers/systemd.
OF_THE_SYSTEM = {
    # A pod with its database and its cache.
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
    # A proxy that looks at labels of others.
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
    # An address of its own, and names for others.
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
    # The host's network, and devices that may not be there.
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
    # What sees the machine.
    "node-exporter.container": "[Container]\nImage=quay.io/prometheus/node-exporter:latest\nNetwork=host\nPodmanArgs=--pid=host\n"
                               "Volume=/:/host:ro,rslave\nExec=--path.rootfs=/host --collector.filesystem.mount-points-exclude='^/(dev|proc|sys)($$|/)'\n",
    # A tunnel.
    "wireguard.container": "[Container]\nImage=lscr.io/linuxserver/wireguard\nAddCapability=NET_ADMIN SYS_MODULE\nSysctl=net.ipv4.conf.all.src_valid_mark=1\n"
                           "PublishPort=51820:51820/udp\nEnvironment=PUID=1000 PGID=1000 PEERS=laptop,phone\nVolume=/srv/wireguard:/config\n"
                           "Volume=/lib/modules:/lib/modules:ro\n[Install]\nWantedBy=multi-user.target\n",
    # Built here, one service for each name.
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
}

# As a user's, in ~/.config/containers/systemd.
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
}
