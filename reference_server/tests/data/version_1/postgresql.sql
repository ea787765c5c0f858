--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: installation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.installation (
    id integer NOT NULL,
    schema_version integer NOT NULL
);


--
-- Name: llm_configs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.llm_configs (
    workspace_id character varying NOT NULL,
    base_url character varying NOT NULL,
    api_key_encrypted character varying NOT NULL,
    models json NOT NULL,
    created_at character varying NOT NULL,
    updated_at character varying NOT NULL
);


--
-- Name: llm_quotas; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.llm_quotas (
    workspace_id character varying NOT NULL,
    max_rpd bigint,
    updated_at character varying NOT NULL
);


--
-- Name: llm_usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.llm_usage (
    sequence bigint NOT NULL,
    workspace_id character varying NOT NULL,
    created_at character varying NOT NULL
);


--
-- Name: llm_usage_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.llm_usage_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: llm_usage_sequence_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.llm_usage_sequence_seq OWNED BY public.llm_usage.sequence;


--
-- Name: sandboxes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sandboxes (
    sequence bigint NOT NULL,
    id character varying NOT NULL,
    workspace_id character varying NOT NULL,
    name character varying NOT NULL,
    type character varying NOT NULL,
    status character varying NOT NULL,
    is_local boolean NOT NULL,
    cpu bigint,
    memory bigint,
    idle_timeout bigint,
    created_at character varying NOT NULL,
    last_activity_at character varying
);


--
-- Name: sandboxes_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.sandboxes_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: sandboxes_sequence_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.sandboxes_sequence_seq OWNED BY public.sandboxes.sequence;


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    token_hash character varying NOT NULL,
    user_id character varying NOT NULL,
    expires_at character varying NOT NULL,
    created_at character varying NOT NULL
);


--
-- Name: system_settings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.system_settings (
    key character varying NOT NULL,
    value text NOT NULL
);


--
-- Name: user_credentials; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_credentials (
    user_id character varying NOT NULL,
    password_hash character varying NOT NULL
);


--
-- Name: user_quotas; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.user_quotas (
    user_id character varying NOT NULL,
    max_workspaces bigint,
    updated_at character varying NOT NULL
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    sequence bigint NOT NULL,
    id character varying NOT NULL,
    email character varying NOT NULL,
    email_key character varying NOT NULL,
    name character varying,
    picture character varying,
    role character varying NOT NULL,
    created_at character varying NOT NULL,
    updated_at character varying NOT NULL
);


--
-- Name: users_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.users_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: users_sequence_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.users_sequence_seq OWNED BY public.users.sequence;


--
-- Name: workspace_members; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workspace_members (
    sequence bigint NOT NULL,
    workspace_id character varying NOT NULL,
    user_id character varying NOT NULL,
    role character varying NOT NULL,
    created_at character varying NOT NULL
);


--
-- Name: workspace_members_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.workspace_members_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: workspace_members_sequence_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.workspace_members_sequence_seq OWNED BY public.workspace_members.sequence;


--
-- Name: workspace_quotas; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workspace_quotas (
    workspace_id character varying NOT NULL,
    max_sandboxes bigint,
    max_sandbox_cpu bigint,
    max_sandbox_memory bigint,
    max_idle_timeout bigint,
    max_total_cpu bigint,
    max_total_memory bigint,
    max_drive_size bigint,
    updated_at character varying NOT NULL
);


--
-- Name: workspaces; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.workspaces (
    sequence bigint NOT NULL,
    id character varying NOT NULL,
    name character varying NOT NULL,
    created_at character varying NOT NULL,
    updated_at character varying NOT NULL
);


--
-- Name: workspaces_sequence_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.workspaces_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: workspaces_sequence_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.workspaces_sequence_seq OWNED BY public.workspaces.sequence;


--
-- Name: llm_usage sequence; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_usage ALTER COLUMN sequence SET DEFAULT nextval('public.llm_usage_sequence_seq'::regclass);


--
-- Name: sandboxes sequence; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sandboxes ALTER COLUMN sequence SET DEFAULT nextval('public.sandboxes_sequence_seq'::regclass);


--
-- Name: users sequence; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users ALTER COLUMN sequence SET DEFAULT nextval('public.users_sequence_seq'::regclass);


--
-- Name: workspace_members sequence; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_members ALTER COLUMN sequence SET DEFAULT nextval('public.workspace_members_sequence_seq'::regclass);


--
-- Name: workspaces sequence; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspaces ALTER COLUMN sequence SET DEFAULT nextval('public.workspaces_sequence_seq'::regclass);


--
-- Data for Name: installation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.installation VALUES (1, 1);


--
-- Data for Name: llm_configs; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.llm_configs VALUES ('6df8ca10-c337-42bb-a798-06959c03ba65', 'https://llm.example.com/v1', '8259ac48.EGGA1EzJEEHPKOegy/9KdwsWxMtNBxZvrZNdFJNyoAlOmpUJoksWc+84rkifgw9vcqQ=', '[{"id": "m-1", "name": "Gr\u00f6\u00dfe \ud83d\ude00"}, {"id": "m-2", "name": "Second"}]', '2026-11-22T10:45:00Z', '2026-11-22T10:45:00Z');


--
-- Data for Name: llm_quotas; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.llm_quotas VALUES ('6df8ca10-c337-42bb-a798-06959c03ba65', 1000, '2026-11-22T11:13:00Z');


--
-- Data for Name: llm_usage; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.llm_usage VALUES (1, '6df8ca10-c337-42bb-a798-06959c03ba65', '2026-11-22T11:48:00Z');
INSERT INTO public.llm_usage VALUES (2, '6df8ca10-c337-42bb-a798-06959c03ba65', '2026-11-22T11:48:00Z');
INSERT INTO public.llm_usage VALUES (3, '97f54025-13a0-4463-88d5-968413163aa7', '2026-11-22T11:48:00Z');


--
-- Data for Name: sandboxes; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sandboxes VALUES (1, 'sandbox-0', '6df8ca10-c337-42bb-a798-06959c03ba65', 'Sandbox 0', 'opencode', 'running', false, NULL, NULL, NULL, '2026-11-22T11:34:00Z', NULL);
INSERT INTO public.sandboxes VALUES (2, 'sandbox-1', '97f54025-13a0-4463-88d5-968413163aa7', 'Sandbox 1', 'opencode', 'paused', true, NULL, NULL, NULL, '2026-11-22T11:41:00Z', '2026-11-22T11:41:00Z');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sessions VALUES ('05a10d3c654df7c20f1aa18d63a008bd6a71cad5f07e354a73a8d7bd097ba7b5', 'b459afdd-b3a0-4621-ae29-b78b3968e566', '2026-11-27T09:21:00Z', '2026-11-20T09:21:00Z');
INSERT INTO public.sessions VALUES ('d61e814822041112992cfee8e757c52a3a26183401aaf4eeb07ab3dbd7c68b2f', 'b459afdd-b3a0-4621-ae29-b78b3968e566', '2026-11-29T09:28:00Z', '2026-11-22T09:28:00Z');
INSERT INTO public.sessions VALUES ('804a0b1bd48cf6045118f2dc0d72af8a9757b770bba7e15d0fa987a24e65b419', '3f1fefa6-2923-4836-81da-ec328fe08259', '2026-11-29T09:35:00Z', '2026-11-22T09:35:00Z');
INSERT INTO public.sessions VALUES ('e27d13bf23c0044e981609eac75549116de8e6f0048928e578c0f7e3e3ab7f8d', '4ab9b081-707f-4622-af92-82bd9fe4ed5f', '2026-11-29T09:42:00Z', '2026-11-22T09:42:00Z');


--
-- Data for Name: system_settings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.system_settings VALUES ('quota_max_workspaces_per_user', '7');


--
-- Data for Name: user_credentials; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_credentials VALUES ('b459afdd-b3a0-4621-ae29-b78b3968e566', '$argon2id$v=19$m=8,t=1,p=1$vId3NqXip0uU7RWa1aq0Tw$mZoAn9dczTsx2XogRi6sGfpuuqa8C+HBR7W2I2mMUtA');
INSERT INTO public.user_credentials VALUES ('3f1fefa6-2923-4836-81da-ec328fe08259', '$argon2id$v=19$m=8,t=1,p=1$xINlaHZYFy3fS4kh+jUAgg$CpH91dsSOaRs+YhOwB09T2oCvy63XHHI1Cqqz2Djp/k');
INSERT INTO public.user_credentials VALUES ('4ab9b081-707f-4622-af92-82bd9fe4ed5f', '$argon2id$v=19$m=8,t=1,p=1$bCKo2X7OzLgUfW9K7viRKA$+dZdZX5iEj5ZL7qBvwD9xFlzBLib5Ssv8hFjPW3jNKo');


--
-- Data for Name: user_quotas; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.user_quotas VALUES ('3f1fefa6-2923-4836-81da-ec328fe08259', 3, '2026-11-22T10:52:00Z');
INSERT INTO public.user_quotas VALUES ('4ab9b081-707f-4622-af92-82bd9fe4ed5f', 0, '2026-11-22T10:59:00Z');


--
-- Data for Name: users; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.users VALUES (1, 'b459afdd-b3a0-4621-ae29-b78b3968e566', 'ada@example.com', 'ada@example.com', NULL, NULL, 'admin', '2026-11-20T09:00:00Z', '2026-11-20T09:00:00Z');
INSERT INTO public.users VALUES (2, '3f1fefa6-2923-4836-81da-ec328fe08259', 'böb@example.com', 'böb@example.com', NULL, NULL, 'user', '2026-11-20T09:07:00Z', '2026-11-20T09:07:00Z');
INSERT INTO public.users VALUES (3, '4ab9b081-707f-4622-af92-82bd9fe4ed5f', 'carol@example.com', 'carol@example.com', NULL, NULL, 'user', '2026-11-20T09:14:00Z', '2026-11-20T09:14:00Z');


--
-- Data for Name: workspace_members; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workspace_members VALUES (1, '04bb13c1-ea3f-461f-a8bc-82b921b9e307', 'b459afdd-b3a0-4621-ae29-b78b3968e566', 'owner', '2026-11-20T09:00:00Z');
INSERT INTO public.workspace_members VALUES (2, '20f5dc81-a3c6-4535-9b27-f1d808aa2c47', '3f1fefa6-2923-4836-81da-ec328fe08259', 'owner', '2026-11-20T09:07:00Z');
INSERT INTO public.workspace_members VALUES (3, 'fa71c049-9511-4b77-8af4-c2d5d319025d', '4ab9b081-707f-4622-af92-82bd9fe4ed5f', 'owner', '2026-11-20T09:14:00Z');
INSERT INTO public.workspace_members VALUES (4, '6df8ca10-c337-42bb-a798-06959c03ba65', 'b459afdd-b3a0-4621-ae29-b78b3968e566', 'owner', '2026-11-22T10:10:00Z');
INSERT INTO public.workspace_members VALUES (5, '97f54025-13a0-4463-88d5-968413163aa7', '3f1fefa6-2923-4836-81da-ec328fe08259', 'owner', '2026-11-22T10:17:00Z');
INSERT INTO public.workspace_members VALUES (6, 'ce5de168-0275-4aa3-9245-fe1135063471', 'b459afdd-b3a0-4621-ae29-b78b3968e566', 'owner', '2026-11-22T10:24:00Z');
INSERT INTO public.workspace_members VALUES (7, '6df8ca10-c337-42bb-a798-06959c03ba65', '3f1fefa6-2923-4836-81da-ec328fe08259', 'maintainer', '2026-11-22T10:31:00Z');
INSERT INTO public.workspace_members VALUES (8, '6df8ca10-c337-42bb-a798-06959c03ba65', '4ab9b081-707f-4622-af92-82bd9fe4ed5f', 'guest', '2026-11-22T10:38:00Z');


--
-- Data for Name: workspace_quotas; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workspace_quotas VALUES ('6df8ca10-c337-42bb-a798-06959c03ba65', 4, NULL, NULL, NULL, NULL, NULL, 9007199254740991, '2026-11-22T11:06:00Z');


--
-- Data for Name: workspaces; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.workspaces VALUES (1, '04bb13c1-ea3f-461f-a8bc-82b921b9e307', 'Default workspace', '2026-11-20T09:00:00Z', '2026-11-20T09:00:00Z');
INSERT INTO public.workspaces VALUES (2, '20f5dc81-a3c6-4535-9b27-f1d808aa2c47', 'Default workspace', '2026-11-20T09:07:00Z', '2026-11-20T09:07:00Z');
INSERT INTO public.workspaces VALUES (3, 'fa71c049-9511-4b77-8af4-c2d5d319025d', 'Default workspace', '2026-11-20T09:14:00Z', '2026-11-20T09:14:00Z');
INSERT INTO public.workspaces VALUES (4, '6df8ca10-c337-42bb-a798-06959c03ba65', 'Analytical Engine', '2026-11-22T10:10:00Z', '2026-11-22T10:10:00Z');
INSERT INTO public.workspaces VALUES (5, '97f54025-13a0-4463-88d5-968413163aa7', 'Größe 😀 \ " ''', '2026-11-22T10:17:00Z', '2026-11-22T10:17:00Z');
INSERT INTO public.workspaces VALUES (6, 'ce5de168-0275-4aa3-9245-fe1135063471', 'Renamed, and left empty', '2026-11-22T10:24:00Z', '2026-11-22T11:27:00Z');


--
-- Name: llm_usage_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.llm_usage_sequence_seq', 3, true);


--
-- Name: sandboxes_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.sandboxes_sequence_seq', 2, true);


--
-- Name: users_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.users_sequence_seq', 3, true);


--
-- Name: workspace_members_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.workspace_members_sequence_seq', 8, true);


--
-- Name: workspaces_sequence_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.workspaces_sequence_seq', 6, true);


--
-- Name: installation installation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (id);


--
-- Name: llm_configs llm_configs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_configs
    ADD CONSTRAINT llm_configs_pkey PRIMARY KEY (workspace_id);


--
-- Name: llm_quotas llm_quotas_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_quotas
    ADD CONSTRAINT llm_quotas_pkey PRIMARY KEY (workspace_id);


--
-- Name: llm_usage llm_usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_usage
    ADD CONSTRAINT llm_usage_pkey PRIMARY KEY (sequence);


--
-- Name: sandboxes sandboxes_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sandboxes
    ADD CONSTRAINT sandboxes_id_key UNIQUE (id);


--
-- Name: sandboxes sandboxes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sandboxes
    ADD CONSTRAINT sandboxes_pkey PRIMARY KEY (sequence);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);


--
-- Name: system_settings system_settings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.system_settings
    ADD CONSTRAINT system_settings_pkey PRIMARY KEY (key);


--
-- Name: user_credentials user_credentials_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_credentials
    ADD CONSTRAINT user_credentials_pkey PRIMARY KEY (user_id);


--
-- Name: user_quotas user_quotas_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_quotas
    ADD CONSTRAINT user_quotas_pkey PRIMARY KEY (user_id);


--
-- Name: users users_email_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key_key UNIQUE (email_key);


--
-- Name: users users_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_id_key UNIQUE (id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (sequence);


--
-- Name: workspace_members workspace_members_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_pkey PRIMARY KEY (sequence);


--
-- Name: workspace_members workspace_members_workspace_id_user_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_workspace_id_user_id_key UNIQUE (workspace_id, user_id);


--
-- Name: workspace_quotas workspace_quotas_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_quotas
    ADD CONSTRAINT workspace_quotas_pkey PRIMARY KEY (workspace_id);


--
-- Name: workspaces workspaces_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_id_key UNIQUE (id);


--
-- Name: workspaces workspaces_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (sequence);


--
-- Name: llm_usage_by_day; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX llm_usage_by_day ON public.llm_usage USING btree (workspace_id, created_at);


--
-- Name: sandboxes_by_workspace; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sandboxes_by_workspace ON public.sandboxes USING btree (workspace_id);


--
-- Name: sessions_by_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_expiry ON public.sessions USING btree (expires_at);


--
-- Name: sessions_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_by_user ON public.sessions USING btree (user_id);


--
-- Name: workspace_members_by_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX workspace_members_by_user ON public.workspace_members USING btree (user_id);


--
-- Name: llm_configs llm_configs_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_configs
    ADD CONSTRAINT llm_configs_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- Name: llm_quotas llm_quotas_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_quotas
    ADD CONSTRAINT llm_quotas_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- Name: llm_usage llm_usage_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.llm_usage
    ADD CONSTRAINT llm_usage_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- Name: sandboxes sandboxes_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sandboxes
    ADD CONSTRAINT sandboxes_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: user_credentials user_credentials_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_credentials
    ADD CONSTRAINT user_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: user_quotas user_quotas_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.user_quotas
    ADD CONSTRAINT user_quotas_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: workspace_members workspace_members_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: workspace_members workspace_members_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_members
    ADD CONSTRAINT workspace_members_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- Name: workspace_quotas workspace_quotas_workspace_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.workspace_quotas
    ADD CONSTRAINT workspace_quotas_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


