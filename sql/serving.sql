-- What the server of `pipelines/fluents_pipelines/readers/sql_server.py` runs for its clients, with nothing of Python in it.
-- It is run before Quack is loaded, so that no function of an extension is among `functions`.

-- Of its own, as a model of the user's may have any of these names.
create schema serving;

-- What is served: `create_sql` where clients may take it for a table of its schema, else NULL.
create table serving.served (schema_name varchar, relation_name varchar, create_sql varchar);

-- Quack asks these two what there is. Clients read a table column by column and with their
-- filters, but a view whole: so whatever can be is shown to them as a table.
create macro duckdb_tables() as table
    select schema_name, relation_name as table_name, create_sql as sql
    from memory.serving.served
    where create_sql is not null;

create macro duckdb_views() as table
    select schema_name, relation_name as view_name, null::varchar as sql
    from memory.serving.served
    where create_sql is null;

-- Functions of SQL that only compute. A function whose answer is not that of its arguments alone
-- reads the server's state (settings, variables, sequences) or changes it, but for time and chance.
create table serving.functions as
select distinct lower(function_name) as function_name
from system.main.duckdb_functions()
where schema_name = 'main'
    and function_type in ('aggregate', 'macro', 'scalar')
    and (
        coalesce(stability, 'CONSISTENT') = 'CONSISTENT'
        or function_name in (
            'current_database', 'current_date', 'current_schema', 'error', 'gen_random_uuid',
            'get_current_time', 'get_current_timestamp', 'now', 'random', 'today',
            'transaction_timestamp', 'uuid', 'uuidv4', 'uuidv7'
        )
    )
    -- DuckDB 1.5 says that they only compute
    and function_name not in (
        'current_setting', 'get_block_size', 'getvariable', 'json_serialize_plan'
    )
union
values ('unnest');  -- the parser's own

create table serving.table_functions as
from (
    values
        ('duckdb_tables'), ('duckdb_views'), ('generate_series'), ('json_each'), ('json_tree'),
        ('range'), ('unnest')
) as listed (function_name);

-- What DuckDB itself has under a name without a schema.
create table serving.own_relations as
select distinct lower(view_name) as relation_name
from system.main.duckdb_views()
where internal;

-- Whether a client's statement is run: one SELECT, as DuckDB's own parser reads it, from what is
-- served and with functions that only compute; and what Quack asks when a client attaches. Of what
-- is no SELECT the parser gives no statements, or nodes of other types within one
-- (`with x as (delete …)`); json_serialize_plan would bind any statement. NULL and errors are a no.
create macro admitted(session_id, statement) as (
    with
        parsed as materialized (
            select cast(json_serialize_sql(cast(statement as varchar)) as json) as tree
        ),
        parts as materialized (
            select part.value, part.value ->> 'type' as kind, part.path
            from parsed, json_tree(parsed.tree) as part
            where part.type = 'OBJECT'
        ),
        relations as (
            select
                value ->> 'catalog_name' as catalog_name,
                lower(value ->> 'schema_name') as schema_name,
                lower(value ->> 'table_name') as relation_name,
                coalesce(json_array_length(value, '$.qualified_name.path'), 1) as part_count
            from parts
            where kind = 'BASE_TABLE'
        ),
        functions as (
            select
                value ->> 'catalog' as catalog_name,
                lower(value ->> 'schema') as schema_name,
                lower(value ->> 'function_name') as function_name
            from parts
            where kind = 'FUNCTION'
        ),
        common_tables as (
            select lower(value ->> 'key') as relation_name
            from parts
            where path like '%.cte_map.map'
        )
    select
        (select json_array_length(tree, '$.statements') = 1 from parsed)
        and not exists (
            from parts
            where kind like '%\_NODE' escape '\'
                and kind not in (
                    'CTE_NODE', 'RECURSIVE_CTE_NODE', 'SELECT_NODE', 'SET_OPERATION_NODE'
                )
        )
        -- `show tables` and its like have no query of their own
        and not exists (
            from parts
            where kind = 'SHOW_REF' and coalesce(json_type(value, '$.query'), '') <> 'OBJECT'
        )
        and not exists (
            from relations
            where not coalesce(
                catalog_name = ''
                and part_count <= 2
                and regexp_full_match(relation_name, '[a-z0-9_]+')  -- no file
                and case
                    when schema_name in ('fluents', 'analytics') then true  -- nothing else is there
                    when schema_name = 'information_schema' then relation_name = 'schemata'
                    when schema_name not in ('', 'main') then false
                    when relation_name in (
                        select lower(relation_name)
                        from memory.serving.served
                        where create_sql is not null
                    ) then true
                    -- The name of a CTE means DuckDB's own relation where the CTE is not in scope.
                    else schema_name = ''
                        and relation_name in (from common_tables)
                        and relation_name not in (from memory.serving.own_relations)
                end,
                false
            )
        )
        and not exists (
            from functions
            where not coalesce(
                catalog_name = ''
                and schema_name in ('', 'main')
                and (
                    function_name in (from memory.serving.functions)
                    or function_name in (from memory.serving.table_functions)
                ),
                false
            )
        )
        and not exists (
            from parts
            where kind = 'TABLE_FUNCTION'
                and coalesce(lower(value -> 'function' ->> 'function_name'), '')
                not in (from memory.serving.table_functions)
        )
);
