# SPDX-License-Identifier: LGPL-2.1-or-later
# dist accepts command lines of docker and podman from the READMEs of well-known images unchanged.

import json
import os
import shlex
import sys

from berth_test import *  # pylint: disable=wildcard-import,unused-wildcard-import
import oci

BOX = f"{HOST}/readmes/box:x"
TREE = "/var/tmp/readmes"

# The word that begins with "+" is the image, which the test replaces by its own. If dist refuses the line, "REFUSED"
# and the reason follow.
LINES = r"""
docker run +hello-world
docker run -it --rm +busybox
docker run +alpine echo "hello world"
docker run --name some-postgres -e POSTGRES_PASSWORD=mysecretpassword -d +postgres
docker run -it --rm --network some-network +postgres psql -h some-postgres -U postgres
docker run -d --name some-postgres -e POSTGRES_PASSWORD=mysecretpassword -e PGDATA=/var/lib/postgresql/data/pgdata -v /custom/mount:/var/lib/postgresql/data +postgres
docker run -d --name some-postgres --shm-size=256MB -v "$PWD/my-postgres.conf":/etc/postgresql/postgresql.conf -e POSTGRES_PASSWORD=x +postgres -c 'config_file=/etc/postgresql/postgresql.conf'
docker run -it --rm --user "1000:1000" -v /etc/passwd:/etc/passwd:ro -e POSTGRES_PASSWORD=mysecretpassword +postgres
docker run --name some-nginx -v /some/content:/usr/share/nginx/html:ro -d +nginx
docker run --name some-nginx -d -p 8080:80 +some-content-nginx
docker run -d -p 80:80 --read-only -v $(pwd)/nginx-cache:/var/cache/nginx -v $(pwd)/nginx-pid:/var/run +nginx
docker run --rm --entrypoint=cat +nginx /etc/nginx/nginx.conf
docker run --name some-redis -d +redis redis-server --save 60 1 --loglevel warning
docker run -it --network some-network --rm +redis redis-cli -h some-redis
docker run -v /myredis/conf:/usr/local/etc/redis --name myredis +redis redis-server /usr/local/etc/redis/redis.conf
docker run --detach --name some-mariadb --env MARIADB_USER=example-user --env MARIADB_ROOT_PASSWORD=my-secret-pw +mariadb:latest
docker run --name some-mariadb -v /my/own/datadir:/var/lib/mysql:Z -e MARIADB_ROOT_PASSWORD=my-secret-pw -d +mariadb --character-set-server=utf8mb4 --collation-server=utf8mb4_unicode_ci
docker run --name some-mysql -e MYSQL_ROOT_PASSWORD=my-secret-pw --cap-add=sys_nice -d +mysql:8
docker run -it --network some-network --rm +mysql mysql -hsome-mysql -uexample-user -p
docker run -it --rm --network some-network +mongo mongosh --host some-mongo test
docker run --name my-memcache -d +memcached memcached --memory-limit=64
docker run -d -p 5000:5000 --restart always --name registry +registry:2
docker run -d --restart=always --name registry -v "$(pwd)"/certs:/certs -e REGISTRY_HTTP_ADDR=0.0.0.0:443 -e REGISTRY_HTTP_TLS_KEY=/certs/domain.key -p 443:443 +registry:2
docker run -d -p 8080:8080 -p 80:80 -v $PWD/traefik.yml:/etc/traefik/traefik.yml +traefik:v3.0
docker run --name prometheus -d -p 127.0.0.1:9090:9090 +prom/prometheus
docker run -p 9090:9090 -v /path/to/prometheus.yml:/etc/prometheus/prometheus.yml -v prometheus-data:/prometheus +prom/prometheus
docker run -d --net="host" --pid="host" -v "/:/host:ro,rslave" +quay.io/prometheus/node-exporter:latest --path.rootfs=/host
docker run --volume=/:/rootfs:ro --volume=/var/run:/var/run:ro --volume=/sys:/sys:ro --volume=/dev/disk/:/dev/disk:ro --publish=8080:8080 --detach=true --name=cadvisor --privileged --device=/dev/null +gcr.io/cadvisor/cadvisor
docker run -d --name=grafana -p 3000:3000 +grafana/grafana
docker run -d -p 3000:3000 --name=grafana --user "$(id -u)" --volume "$PWD/data:/var/lib/grafana" +grafana/grafana-enterprise
docker run -d -p 3000:3000 --name=grafana --volume grafana-storage:/var/lib/grafana -e "GF_PLUGINS_PREINSTALL=grafana-clock-panel, grafana-simple-json-datasource" +grafana/grafana
docker run -d --name gitea -p 3000:3000 -p 222:22 -e USER_UID=1000 -e USER_GID=1000 -v ./gitea:/data -v /etc/timezone:/etc/timezone:ro -v /etc/localtime:/etc/localtime:ro --restart always +docker.gitea.com/gitea:1
docker run -d -v nextcloud:/var/www/html -v apps:/var/www/html/custom_apps -p 8080:80 +nextcloud
sudo docker run --init --sig-proxy=false --name nextcloud-aio-mastercontainer --restart always --publish 80:80 --publish 8080:8080 --publish 8443:8443 --volume nextcloud_aio_mastercontainer:/mnt/docker-aio-config --volume /var/run/docker.sock:/var/run/docker.sock:ro +ghcr.io/nextcloud-releases/all-in-one:latest
docker run --name some-wordpress --network some-network -p 8080:80 -d +wordpress
docker run -it --rm --volumes-from some-wordpress --network some-network -e WORDPRESS_DB_USER=x +wordpress:cli user list
docker run -d --name jellyfin --user 1000:1000 --net=host --volume jellyfin-config:/config --volume jellyfin-cache:/cache --mount type=bind,source=/path/to/media,target=/media --restart=unless-stopped +jellyfin/jellyfin
podman run --detach --label "io.containers.autoupdate=registry" --name myjellyfin --publish 8096:8096/tcp --device /dev/null:/dev/dri --user 1000:1000 --volume jellyfin-cache:/cache:Z --mount type=bind,source=/path/to/media,destination=/media,ro=true,relabel=private +docker.io/jellyfin/jellyfin:latest
podman run --detach --rm --userns keep-id --volume jellyfin-config:/config:Z +docker.io/jellyfin/jellyfin:latest REFUSED the user namespace keep-id is for callers that are not root
docker run -d --name homeassistant --privileged --restart=unless-stopped -e TZ=MY_TIME_ZONE -v /PATH_TO_YOUR_CONFIG:/config -v /run/dbus:/run/dbus:ro --network=host +ghcr.io/home-assistant/home-assistant:stable
docker run --name pihole -p 53:53/tcp -p 53:53/udp -p 80:80/tcp -p 443:443/tcp -e TZ=Europe/London -e FTLCONF_webserver_api_password="correct horse battery staple" -v ./etc-pihole:/etc/pihole -v ./etc-dnsmasq.d:/etc/dnsmasq.d --cap-add NET_ADMIN --restart unless-stopped +pihole/pihole:latest
docker run -d --name pihole -p 53:53/tcp -p 53:53/udp -p 80:80 -e TZ="America/Chicago" -v "$PWD/etc-pihole:/etc/pihole" --dns=127.0.0.1 --dns=1.1.1.1 --restart=unless-stopped --hostname pi.hole -e VIRTUAL_HOST="pi.hole" +pihole/pihole:latest
docker run -d -p 8000:8000 -p 9443:9443 --name portainer --restart=always -v /var/run/docker.sock:/var/run/docker.sock -v portainer_data:/data +portainer/portainer-ce:lts
podman run -p 9000:9000 -p 9001:9001 -v /mnt/data:/data +quay.io/minio/minio server /data --console-address ":9001"
docker run -d --hostname my-rabbit --name some-rabbit -e RABBITMQ_DEFAULT_VHOST=my_vhost -p 15672:15672 +rabbitmq:3-management
docker run -d --name elasticsearch --net some-network -p 9200:9200 -p 9300:9300 -e "discovery.type=single-node" +elasticsearch:8
docker run --name es01 --net some-network -p 9200:9200 -it -m 1GB --ulimit nofile=65535:65535 --ulimit memlock=-1:-1 +docker.elastic.co/elasticsearch/elasticsearch:9
docker run -dit --name my-apache-app -p 8080:80 -v "$PWD":/usr/local/apache2/htdocs/ +httpd:2.4
podman run -dt -p 8080:80/tcp +docker.io/library/httpd
docker run -it --rm --name my-running-script -v "$PWD":/usr/src/app -w /usr/src/app +node:22 node your-daemon-or-script.js
docker run --rm -v "$PWD":/usr/src/myapp -w /usr/src/myapp -e GOOS=windows -e GOARCH=386 +golang:1.25 go build -v
docker run --detach --name vaultwarden --env DOMAIN="https://vw.domain.tld" --volume /vw-data/:/data/ --restart unless-stopped --publish 127.0.0.1:8000:80 +vaultwarden/server:latest
docker run -p 8080:8080 -p 50000:50000 --restart=on-failure -v jenkins_home:/var/jenkins_home +jenkins/jenkins:lts-jdk21
docker run --stop-timeout 3600 -e SONAR_ES_BOOTSTRAP_CHECKS_DISABLE=true -p 9000:9000 +sonarqube:latest
docker run -it -p 1883:1883 -v "$PWD/mosquitto.conf:/mosquitto/config/mosquitto.conf" -v /mosquitto/data -v /mosquitto/log +eclipse-mosquitto
docker run -d --restart=always -p 3001:3001 -v uptime-kuma:/app/data --name uptime-kuma +louislam/uptime-kuma:1
docker run --name adguardhome --restart unless-stopped -v /my/own/workdir:/opt/adguardhome/work -v /my/own/confdir:/opt/adguardhome/conf -p 53:53/tcp -p 53:53/udp -p 67:67/udp -p 68:68/udp -p 3000:3000/tcp -p 784:784/udp -d +adguard/adguardhome
docker run -d --name=wireguard --cap-add=NET_ADMIN --cap-add=SYS_MODULE -e PUID=1000 -e TZ=Etc/UTC -p 51820:51820/udp -v /path/to/wireguard/config:/config -v /lib/modules:/lib/modules --sysctl="net.ipv4.conf.all.src_valid_mark=1" --restart unless-stopped +lscr.io/linuxserver/wireguard:latest
docker run -d --name frigate --restart=unless-stopped --stop-timeout 30 --mount type=tmpfs,target=/tmp/cache,tmpfs-size=1000000000 --device /dev/null:/dev/bus/usb --shm-size=64m -v /path/to/media:/media/frigate -e FRIGATE_RTSP_PASSWORD='password' -p 8971:8971 -p 8555:8555/udp +ghcr.io/blakeblackshear/frigate:stable
docker run -d -v ollama:/root/.ollama -p 11434:11434 --name ollama +ollama/ollama
docker run -d --gpus=all -v ollama:/root/.ollama -p 11434:11434 --name ollama +ollama/ollama
docker run -d -p 3000:8080 --add-host=host.docker.internal:host-gateway -v open-webui:/app/backend/data --name open-webui --restart always +ghcr.io/open-webui/open-webui:main
docker run -d --name=netdata -p 19999:19999 --network=host -v netdataconfig:/etc/netdata -v /etc/passwd:/host/etc/passwd:ro -v /proc:/host/proc:ro -v /sys:/host/sys:ro --cap-add SYS_PTRACE --cap-add SYS_ADMIN --restart unless-stopped +netdata/netdata REFUSED network
docker run -d --name=netdata --cap-add SYS_PTRACE --security-opt apparmor=unconfined +netdata/netdata
docker run -d --cap-add=NET_ADMIN -p 80:80 -p 443:443 -p 443:443/udp -v $PWD/site:/srv -v caddy_data:/data -v caddy_config:/config +caddy
docker run --privileged --name some-docker -d --network some-network --network-alias docker -e DOCKER_TLS_CERTDIR=/certs -v some-docker-certs-ca:/certs/ca +docker:dind
docker run -p 127.0.0.1:8080:8080 -e KC_BOOTSTRAP_ADMIN_USERNAME=admin +quay.io/keycloak/keycloak:26 start-dev
docker run --network=host -e STGUIADDRESS= -v /wherever/st-sync:/var/syncthing --hostname=my-syncthing +syncthing/syncthing:latest
docker run -P -d +nginx
docker run -dp 80:80 +docker/getting-started
docker run -itd --rm --name sharingan --cpu-period=100000 --cpu-quota=20000 -m 300M --memory-reservation 100M -p 8080:8080 +sharingan
docker run --privileged --rm +tonistiigi/binfmt --install all
docker run --name nacos -d -p 8848:8848 --privileged=true --restart=always -e MODE=standalone +nacos/nacos-server
docker run --rm -it --mount type=bind,source="$(pwd)",target=/project -w /project +messense/rust-musl-cross:aarch64-musl cargo build --release
docker run --rm --mount type=bind,source="$(pwd)"/config,target=/opt/config,readonly +backstopjs/backstopjs test --moby=true
docker run --rm -v "$(pwd)":/code --mount type=volume,source=code_cache,target=/code/target --mount type=volume,source=registry_cache,target=/usr/local/cargo/registry +cosmwasm/rust-optimizer:0.11.5
docker run --rm -v "$(pwd):/src" -w /src +node:18-alpine sh -c 'yarn install --ignore-scripts && yarn run tests:ci'
docker run --rm --entrypoint htpasswd +httpd:2 -Bbn testuser testpassword
docker run --interactive --rm --volume $PWD:/app +composer install
docker run --rm --interactive --tty --volume $PWD:/app --user $(id -u):0 +composer install --ignore-platform-reqs
docker run --rm -i +hadolint/hadolint
docker run --rm -v /var/run/docker.sock:/var/run/docker.sock -v "$(pwd):/tmp" +aquasec/trivy:latest image --format table alpine
docker run --pid=host -v /etc:/etc:ro -v /var:/var:ro -t +aquasec/kube-bench:latest run --targets node
docker run --rm -i -t --name falco --privileged --pid=host -v /var/run/docker.sock:/host/var/run/docker.sock -v /dev:/host/dev -v /proc:/host/proc:ro -v /lib/modules:/host/lib/modules:ro +falcosecurity/falco
docker run -it --rm --network host --shm-size=8g --ulimit memlock=-1 --ulimit stack=67108864 -e HF_HOME=/root/.cache/huggingface +embedl/vllm
docker run --gpus all --ipc=host --ulimit memlock=-1 --ulimit stack=67108864 -it --rm -v $PWD:/workspace +nvcr.io/nvidia/pytorch:25.08-py3
docker run --gpus '"device=0,1"' --rm +nvidia/cuda:12 nvidia-smi
docker run --runtime nvidia --gpus all -p 8000:8000 --ipc=host +vllm/vllm-openai:latest --model x REFUSED --runtime is not supported: the service runs containers itself; for GPUs, see --gpus
docker run -d --name=piraeus-satellite --net=host --privileged -v /dev/shm:/dev/shm +piraeusdatastore/piraeus-server startSatellite
docker run -d --name=rabbitmq1 -p 5672:5672 -p 15672:15672 -e RABBITMQ_ERLANG_COOKIE='YZSDHWMFSMKEMBDHSGGZ' -h rabbitmq1 --net=some-network +rabbitmq:management
docker run -d --name=minio --rm --network=some-network -e MINIO_ACCESS_KEY=mykey +minio/minio server /data
docker run -d --name zerotier-one --cap-add NET_ADMIN --device /dev/null:/dev/net/tun -v zerotier-one:/var/lib/zerotier-one -p 9993:9993/udp +zerotier/zerotier
podman run -d --privileged --device /dev/null:/dev/kfd --device /dev/zero:/dev/dri -v ollama:/root/.ollama -p 11434:11434 --name ollama --replace +ollama/ollama:rocm
podman run -d --name launchos --restart unless-stopped --network host --env-file /etc/environment -v /etc/hosts:/run/secrets/hosts:ro +localhost/launchos
podman run -d --rm -p 8000:8000 -v $PWD/photos:/usr/src/pellicola/photos:rw +pellicola
podman run -d --name db --secret db-password,type=env,target=POSTGRES_PASSWORD +postgres REFUSED --secret=db-password: there are no credentials of a unit
podman run --rm -it --userns=keep-id --security-opt label=disable -v $PWD:/src:Z -w /src +fedora bash REFUSED the user namespace keep-id is for callers that are not root
podman run --rm -it --security-opt label=disable -v $PWD:/src:z -w /src +registry.fedoraproject.org/fedora bash
podman run -d --name systemd --systemd=always +fedora /sbin/init REFUSED --systemd=always is not supported
podman run -d --name pg -v pgdata:/var/lib/postgresql/data:Z,U +postgres REFUSED the mount option U is not supported: files keep their owners
podman run --rm --tz=local --umask=0022 --hostname dev --add-host=db:10.0.0.2 --dns-search=example.com +alpine date
podman run -d --health-cmd 'curl -f http://localhost || exit 1' --health-interval 30s --health-retries 3 --health-start-period 10s -p 8088:80 +nginx
docker run -d --health-cmd='redis-cli ping' --health-interval=10s --health-timeout=5s --memory=512m --memory-swap=1g --cpus=.5 +redis
docker run -d --read-only --tmpfs /run --tmpfs /tmp:rw,noexec,nosuid,size=64m --cap-drop ALL --cap-add NET_BIND_SERVICE --security-opt no-new-privileges:true -p 8080:80 +nginx
docker run --rm -e DISPLAY -e XAUTHORITY -v /tmp:/tmp/.X11-unix +jess/firefox
docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust --tmpfs=/var/lib/postgresql/data +postgres:16-alpine -c fsync=off
docker run --rm -it -p 8888:8888 -e NB_UID=1000 --user root -v "$PWD":/home/jovyan/work +quay.io/jupyter/scipy-notebook start-notebook.py
docker run -d --name mailhog --expose 8025 -p 1025:1025 -p 8025:8025 --label traefik.enable=true -l com.example.role=mail +mailhog/mailhog
docker run -d --name unifi --init --stop-timeout 60 -p 8080:8080 -p 8443:8443 -p 3478:3478/udp -e TZ='Africa/Johannesburg' -v ~/unifi:/unifi --user 999:999 +jacobalberty/unifi
docker run -d -p 2222-2224:22-24 --sysctl net.core.somaxconn=1024 --ulimit nofile=90000:90000 --pids-limit 200 +linuxserver/openssh-server
docker run --rm --volumes-from some-wordpress:ro -v $PWD:/backup +ubuntu tar cvf /backup/backup.tar /data
docker run -it --rm --platform linux/arm/v7 +alpine uname -m REFUSED --platform=linux/arm/v7 is not supported
docker run -it --log-driver=syslog +alpine REFUSED --log-driver=syslog is not supported
docker run --name some-app --link some-redis:redis -d +application REFUSED --link
docker run -d --log-opt max-size=10m --log-opt max-file=3 +nginx REFUSED --log-opt=max-size is not supported: the journal has its own limits
docker run -d --log-driver journald --log-opt tag=web +nginx
docker run -d --log-driver json-file +nginx REFUSED --log-driver=json-file is not supported
docker run -d --name=plex --net=host -e PUID=1000 -e PGID=1000 -e TZ=Etc/UTC -e VERSION=docker -v /path/to/plex/library:/config -v /path/to/tvseries:/tv --restart unless-stopped +lscr.io/linuxserver/plex:latest
docker run -d --name plex -p 32400:32400/tcp -p 8324:8324/tcp -p 1900:1900/udp -e TZ="<timezone>" -e ADVERTISE_IP="http://host:32400/" -h myplex -v /plex/database:/config -v /plex/transcode:/transcode +plexinc/pms-docker
docker run -d --name=swag --cap-add=NET_ADMIN -e URL=example.com -e VALIDATION=http -p 443:443 -p 80:80 -v /path/to/swag/config:/config --restart unless-stopped +lscr.io/linuxserver/swag:latest
docker run -it --name code-server -p 127.0.0.1:8080:8080 -v "$PWD:/home/coder/project" -u "$(id -u):$(id -g)" -e "DOCKER_USER=$USER" +codercom/code-server:latest
docker run -p 9000:9000 -p 9001:9001 --name minio -v ~/minio/data:/data -e "MINIO_ROOT_USER=ROOTNAME" -e "MINIO_ROOT_PASSWORD=CHANGEME123" +quay.io/minio/minio server /data --console-address ":9001"
docker run --name kib01 --net some-network -p 5601:5601 +docker.elastic.co/kibana/kibana:9.0.0
docker run -d --name loki -v $(pwd):/mnt/config -p 3100:3100 +grafana/loki:3.4.1 -config.file=/mnt/config/loki-config.yaml
docker run --name promtail -d -v $(pwd):/mnt/config -v /var/log:/var/log --link loki +grafana/promtail:3.2.1 -config.file=/mnt/config/promtail-config.yaml REFUSED --link is not supported: the containers of a network find each other by name; see --network
docker run -d -p 8086:8086 -v "$PWD/data:/var/lib/influxdb2" -v "$PWD/config:/etc/influxdb2" -e DOCKER_INFLUXDB_INIT_MODE=setup +influxdb:2
docker run --name some-zookeeper --restart always -d +zookeeper
docker run -d --name broker -p 9092:9092 +apache/kafka:latest
docker run -d -p 18123:8123 -p19000:9000 -e CLICKHOUSE_PASSWORD=changeme --name some-clickhouse-server --ulimit nofile=262144:262144 +clickhouse
docker run -d --cap-add=SYS_NICE --cap-add=NET_ADMIN --cap-add=IPC_LOCK --name some-clickhouse-server --ulimit nofile=262144:262144 +clickhouse
docker run --cap-add=IPC_LOCK -e 'VAULT_LOCAL_CONFIG={"storage": {"file": {"path": "/vault/file"}}, "default_lease_ttl": "168h", "ui": true}' -p 8200:8200 +hashicorp/vault server
docker run -d --name=dev-consul -e CONSUL_BIND_INTERFACE=eth0 +hashicorp/consul
docker run -d -p 8983:8983 --name my_solr +solr solr-precreate gettingstarted
docker run -d --name some-ghost -e NODE_ENV=development -e url=http://some-ghost.example +ghost
docker run -d --name some-mongo -e MONGO_INITDB_ROOT_USERNAME=mongoadmin -e MONGO_INITDB_ROOT_PASSWORD=secret +mongo --wiredTigerCacheSizeGB 1.5
docker run --network some-network --name mongo-express -e ME_CONFIG_MONGODB_SERVER=some-mongo -p 8081:8081 +mongo-express
docker run --network some-network -d -p 8080:8080 +adminer
docker run --detach --name watchtower --volume /var/run/docker.sock:/var/run/docker.sock +containrrr/watchtower --run-once --cleanup
docker run -d --name=nginxproxymanager -p 80:80 -p 81:81 -p 443:443 -v $(pwd)/data:/data -v $(pwd)/letsencrypt:/etc/letsencrypt --restart=unless-stopped +jc21/nginx-proxy-manager:latest
docker run --detach --name nginx-proxy --publish 80:80 --volume /var/run/docker.sock:/tmp/docker.sock:ro +nginxproxy/nginx-proxy:1.7
docker run --detach --name nginx-proxy-acme --volumes-from some-wordpress --volume acme:/etc/acme.sh --env "DEFAULT_EMAIL=mail@yourdomain.tld" +nginxproxy/acme-companion
docker run --detach --hostname gitlab.example.com --env GITLAB_OMNIBUS_CONFIG="external_url 'http://gitlab.example.com'" --publish 443:443 --publish 80:80 --publish 22:22 --name gitlab --restart always --volume /srv/gitlab/config:/etc/gitlab --volume /srv/gitlab/data:/var/opt/gitlab --shm-size 256m +gitlab/gitlab-ee:latest
docker run -d --name gitlab-runner --restart always -v /srv/gitlab-runner/config:/etc/gitlab-runner -v /var/run/docker.sock:/var/run/docker.sock +gitlab/gitlab-runner:latest
docker run --rm -it -p 8000:8000 -v ${PWD}:/docs +squidfunk/mkdocs-material
docker run --rm -v "$PWD:/mnt" +koalaman/shellcheck:stable myscript
docker run -d --name=tailscaled -v /var/lib:/var/lib -v /dev/net:/dev/net --network=host --cap-add=NET_ADMIN --cap-add=NET_RAW --env TS_AUTHKEY=tskey +tailscale/tailscale
docker run +cloudflare/cloudflared:latest tunnel --no-autoupdate run --token eyJh
docker run -it --rm --ipc=host --init --user pwuser --workdir /home/pwuser --security-opt seccomp=seccomp_profile.json +mcr.microsoft.com/playwright:v1.55.0-noble /bin/bash
docker run -e "ACCEPT_EULA=Y" -e "MSSQL_SA_PASSWORD=yourStrong(!)Password" -e "MSSQL_PID=Evaluation" -p 1433:1433 --name sqlpreview --hostname sqlpreview -d +mcr.microsoft.com/mssql/server:2022-latest
docker run --publish=7474:7474 --publish=7687:7687 --volume=/neo4j/data:/data --env=NEO4J_AUTH=none +neo4j
docker run -d -p 8081:8081 --name nexus -v nexus-data:/nexus-data +sonatype/nexus3
docker run -d --name db -p 8091-8096:8091-8096 -p 11210-11211:11210-11211 +couchbase
docker run -d --restart on-failure:5 --cpus 2 --memory 1g --memory-reservation 512m --memory-swap -1 --oom-score-adj 100 +application
docker run --rm --network none --disable-content-trust +alpine ip address
docker run -d --net some-network --net-alias db --dns-opt ndots:1 --domainname example.com +postgres REFUSED --domainname is not supported: use --hostname with the full name
docker run -d --net some-network --net-alias db --dns-opt ndots:1 --volume-driver local --isolation default +postgres
docker run -d --health-cmd 'curl -f http://localhost/' --health-start-period 30s --health-start-interval 2s +nginx
podman run -it --rm --rootfs +/var/tmp/readmes/rootfs /bin/sh
podman run --rm -it --cap-drop=all --read-only --tmpfs /tmp --network=none +quay.io/podman/hello
podman run --rm -v ./:/workspace:z,ro --security-opt label=type:container_runtime_t +quay.io/buildah/stable REFUSED --security-opt=label=type:container_runtime_t is not supported
podman run -d --mount type=glob,src=/usr/share/zoneinfo/Etc/U*,destination=/zones,ro=true --mount type=devpts,destination=/dev/pts +nginx
"""


def expand(line):
    """The words that a shell makes of the line."""
    for text, value in (("$(pwd)", TREE), ("$PWD", TREE), ("${PWD}", TREE), ("~/", "/root/"), ("$(id -u)", "0"), ("$(id -g)", "0"), ("$USER", "root")):
        line = line.replace(text, value)
    return shlex.split(line)


def split(line):
    """Returns the options for "dist create", the image with its command, and the reason of a refusal, if any."""
    line, _, reason = line.partition(" REFUSED ")
    words = expand(line)
    words = words[words.index("run") + 1:]
    image = next(i for i, word in enumerate(words) if word.startswith("+"))
    # "dist create" does not have --detach and --sig-proxy.
    options = [word for word in words[:image] if word not in ("-d", "--detach", "--detach=true", "--sig-proxy=false")]
    options = [{"-dit": "-it", "-itd": "-it", "-dt": "-t", "-dp": "-p"}.get(word, word) for word in options]
    place = words[image][1:] if "--rootfs" in options else BOX
    return options, [place] + words[image + 1:], reason or None


def test_setup():
    oci.push(oci.busybox_image(Cmd=["sleep", "1000"]), BOX)
    good("pull", BOX)
    configure("[Defaults]\nNetwork=berth\n")
    good("network", "create", "some-network")
    os.makedirs(TREE, exist_ok=True)
    os.chdir(TREE)
    for line in LINES.strip().split("\n"):
        for word in expand(line):
            path = word.split("=")[-1].split(":")[0] if ":/" in word else ""
            if path.startswith(("/", "./")) and not os.path.exists(path):
                os.makedirs(path)
    os.makedirs("/path/to/media", exist_ok=True)
    for path in ("/root/unifi", f"{TREE}/config", f"{TREE}/photos", f"{TREE}/rootfs"):
        os.makedirs(path, exist_ok=True)
    with open("seccomp_profile.json", "w", encoding="utf-8") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW"}, file)
    os.makedirs("/etc/cdi", exist_ok=True)
    with open("/etc/cdi/nvidia.json", "w", encoding="utf-8") as file:
        json.dump({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [
            {"name": name, "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": "/dev/null"}]}} for name in ("0", "1", "all")]}, file)


def test_lines():
    wrong = []
    for line in LINES.strip().split("\n"):
        options, rest, reason = split(line)
        if "--volumes-from" in options:
            good("create", "--name=some-wordpress", "-v", "wordpress:/var/www/html", BOX)
        result = dist("create", *options, *rest)
        if (reason is None) != (result.status == 0 and result.err == "") or (reason or "") not in result.err:
            wrong.append((line, result.status, result.err))
        for name in good("ps", "-aq").split():
            good("rm", "-f", name)
    assert not wrong, "\n".join(f"{line}\n  -> {status} {err}" for line, status, err in wrong)


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__]))
