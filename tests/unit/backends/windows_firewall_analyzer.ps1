# The rules of PSScriptAnalyzer that are on by default (docs/Rules/README.md of it, 1.21 to 1.24), asked of the syntax tree that
# PowerShell itself makes of a script: each has a sample that it must find. Where the module is installed, it is run as well.
# Writes a line for each check.
param ([string] $First, [string] $Second)
Set-StrictMode -Version Latest

# What a rule may look at.
function Get-Subject {
    param ([string] $Text)
    $tokens = $null
    $errors = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $errors)
    $all = @($tree.FindAll({ $true }, $true))
    # Variables by name, and the names of commands: to look for them in the tree again and again takes most of the time.
    $byName = @{}
    $called = @{}
    foreach ($one in $all) {
        if ($one -is [System.Management.Automation.Language.VariableExpressionAst]) { $byName[$one.VariablePath.UserPath] = @($byName[$one.VariablePath.UserPath]) + $one }
        elseif ($one -is [System.Management.Automation.Language.CommandAst]) { $called["$($one.GetCommandName())"] = $true }
    }
    @{
        ByName = $byName; Called = $called
        Text = $Text; Tokens = $tokens; Tree = $tree; All = $all
        Commands = @($all | Where-Object { $_.GetType().Name -eq 'CommandAst' -and $_.GetCommandName() })
        Functions = @($all | Where-Object { $_.GetType().Name -eq 'FunctionDefinitionAst' })
        Parameters = @($all | Where-Object { $_.GetType().Name -eq 'ParameterAst' })
        Assignments = @($all | Where-Object { $_.GetType().Name -eq 'AssignmentStatementAst' })
        Variables = @($all | Where-Object { $_.GetType().Name -eq 'VariableExpressionAst' })
    }
}
function Select-Type { param ($Subject, [string] $Name) @($Subject.All | Where-Object { $_.GetType().Name -eq $Name }) }
function Select-Name { param ($Subject, [string] $Pattern) @($Subject.Commands | Where-Object { $_.GetCommandName() -match $Pattern }) }
function Get-Name { param ($Parameter) $Parameter.Name.VariablePath.UserPath }
function Get-AttributeOf { param ($Ast, [string] $Name) if ($null -ne $Ast.ParamBlock) { $Ast.ParamBlock.Attributes | Where-Object { $_.TypeName.Name -eq $Name } } }
# Variables of a name within a part of the tree.
function Select-Variable { param ($Subject, [string] $Name, $Within) $from = $Within.Extent.StartOffset; $to = $Within.Extent.EndOffset; foreach ($one in $Subject.ByName[$Name]) { if ($null -ne $one -and $one.Extent.StartOffset -ge $from -and $one.Extent.EndOffset -le $to) { $one } } }
function Get-Scope { param ($Ast) while ($null -ne $Ast.Parent -and $Ast.GetType().Name -ne 'FunctionDefinitionAst') { $Ast = $Ast.Parent }; $Ast }
# What a function gives back: expressions that stand as statements of their own.
function Get-Output {
    param ($Function)
    $Function.Body.FindAll({ $args[0].GetType().Name -eq 'CommandExpressionAst' -and $args[0].Parent.GetType().Name -eq 'PipelineAst' -and $args[0].Parent.PipelineElements.Count -eq 1 }, $false) | Where-Object {
        $node = $_.Parent
        $parent = $node.Parent.GetType().Name
        if ($parent -eq 'ReturnStatementAst') { return $true }
        $is = $parent -in 'NamedBlockAst', 'StatementBlockAst'
        for ($each = $node.Parent; $is -and $each -ne $Function.Body; $each = $each.Parent) {
            if ($each.GetType().Name -in 'AssignmentStatementAst', 'ArrayExpressionAst', 'SubExpressionAst', 'ParenExpressionAst', 'HashtableAst', 'CommandAst', 'ScriptBlockExpressionAst') { $is = $false }
        }
        $is
    } | ForEach-Object { $_.Expression }
}
$automatic = 'profile', 'input', 'args', 'matches', 'this', 'error', 'event', 'host', 'pid', 'sender', 'home', 'foreach', 'switch', '_', 'psitem', 'true', 'false', 'null', 'isWindows', 'isLinux', 'isMacOS',
'myInvocation', 'psBoundParameters', 'psCmdlet', 'psScriptRoot', 'psVersionTable', 'pwd', 'shellId', 'stackTrace', 'executionContext', 'lastExitCode', 'ofs', 'nestedPromptLevel', 'consoleFileName', 'psCommandPath'
$common = 'Verbose', 'Debug', 'ErrorAction', 'WarningAction', 'InformationAction', 'ErrorVariable', 'WarningVariable', 'InformationVariable', 'OutVariable', 'OutBuffer', 'PipelineVariable', 'WhatIf', 'Confirm'
$reserved = 'assembly', 'base', 'begin', 'break', 'catch', 'class', 'clean', 'command', 'configuration', 'continue', 'data', 'define', 'do', 'dynamicparam', 'else', 'elseif', 'end', 'enum', 'exit', 'filter', 'finally', 'for',
'foreach', 'from', 'function', 'hidden', 'if', 'in', 'inlinescript', 'interface', 'module', 'namespace', 'parallel', 'param', 'private', 'process', 'public', 'return', 'sequence', 'static', 'switch', 'throw', 'trap', 'try',
'type', 'until', 'using', 'var', 'while', 'workflow'

$cmdlets = @{}
# Name, a script that breaks the rule, and what finds that.
$rules = @(
    , @('AvoidAssignmentToAutomaticVariable', '$profile = 1', { param ($s)
            $s.Assignments | Where-Object { $_.Left.GetType().Name -notin 'MemberExpressionAst', 'IndexExpressionAst' } |
                ForEach-Object { $_.Left.FindAll({ $args[0].GetType().Name -eq 'VariableExpressionAst' }, $true) } | Where-Object { $_.VariablePath.UserPath -in $automatic }
            $s.Parameters | Where-Object { (Get-Name $_) -in $automatic }
            Select-Type $s 'ForEachStatementAst' | Where-Object { $_.Variable.VariablePath.UserPath -in $automatic } })
    , @('AvoidDefaultValueForMandatoryParameter', 'function Get-A { param ([Parameter(Mandatory = $true)] $X = 1) $X }', { param ($s) $s.Parameters | Where-Object { $null -ne $_.DefaultValue -and "$($_.Attributes)" -match 'Mandatory' } })
    , @('AvoidDefaultValueSwitchParameter', 'param ([switch] $X = $true) $X', { param ($s) $s.Parameters | Where-Object { $_.StaticType.Name -eq 'SwitchParameter' -and "$($_.DefaultValue)" -eq '$true' } })
    , @('AvoidGlobalAliases', 'New-Alias -Name a -Value b -Scope Global', { param ($s) Select-Name $s '^(New|Set)-Alias$' })
    , @('AvoidGlobalFunctions', 'function global:Get-A { 1 }', { param ($s) $s.Functions | Where-Object { $_.Name -like 'global:*' } })
    , @('AvoidGlobalVars', '$global:a = 1', { param ($s) $s.Variables | Where-Object { $_.VariablePath.IsGlobal } })
    , @('AvoidInvokingEmptyMembers', '$a.(''b'' + $c)()', { param ($s) Select-Type $s 'InvokeMemberExpressionAst' | Where-Object { $_.Member.GetType().Name -notin 'StringConstantExpressionAst', 'VariableExpressionAst' } })
    , @('AvoidMultipleTypeAttributes', 'param ([switch][int] $A) $A', { param ($s) $s.Parameters | Where-Object { @($_.Attributes | Where-Object { $_.GetType().Name -eq 'TypeConstraintAst' }).Count -gt 1 } })
    , @('AvoidNullOrEmptyHelpMessageAttribute', 'param ([Parameter(HelpMessage = '''')] $A) $A', { param ($s) $s.Parameters | Where-Object { "$($_.Attributes)" -match 'HelpMessage\s*(=\s*(''''|""|\$null)\s*)?[,)]' } })
    , @('AvoidOverwritingBuiltInCmdlets', 'function Write-Output { 1 }', { param ($s) $s.Functions | Where-Object { @(Get-Command -Name $_.Name -CommandType Cmdlet, Function -ErrorAction SilentlyContinue | Where-Object { $_.Source }).Count -gt 0 } })
    , @('AvoidReservedWordsAsFunctionNames', 'function Assembly { 1 }', { param ($s) $s.Functions | Where-Object { $_.Name -in $reserved } })
    , @('AvoidShouldContinueWithoutForce', 'param ($A) $PSCmdlet.ShouldContinue($A, '''')', { param ($s) if ('Force' -notin @($s.Parameters | ForEach-Object { Get-Name $_ })) { Select-Type $s 'InvokeMemberExpressionAst' | Where-Object { "$($_.Member)" -eq 'ShouldContinue' } } })
    , @('AvoidTrailingWhitespace', "1 `n2", { param ($s) [regex]::Matches($s.Text, '(?m)[ \t]+$') })
    , @('AvoidUsingAllowUnencryptedAuthentication', 'Invoke-WebRequest -Uri a -AllowUnencryptedAuthentication', { param ($s) Select-Type $s 'CommandParameterAst' | Where-Object { $_.ParameterName -eq 'AllowUnencryptedAuthentication' } })
    , @('AvoidUsingBrokenHashAlgorithms', 'Get-FileHash -Path a -Algorithm MD5', { param ($s) [regex]::Matches($s.Text, '(?i)\b(MD5|SHA-?1)\b') })
    , @('AvoidUsingCmdletAliases', 'gci', { param ($s) $s.Commands | Where-Object { $_.GetCommandName() -notmatch '^[A-Z][A-Za-z]+-[A-Z][A-Za-z]+$' } })
    , @('AvoidUsingComputerNameHardcoded', 'Get-CimInstance -ClassName A -ComputerName b', { param ($s) Select-Type $s 'CommandParameterAst' | Where-Object { $_.ParameterName -eq 'ComputerName' } })
    , @('AvoidUsingConvertToSecureStringWithPlainText', 'ConvertTo-SecureString -String a -AsPlainText', { param ($s) Select-Name $s '^ConvertTo-SecureString$' })
    , @('AvoidUsingEmptyCatchBlock', 'try { 1 } catch { }', { param ($s) Select-Type $s 'CatchClauseAst' | Where-Object { $_.Body.Statements.Count -eq 0 } })
    , @('AvoidUsingInvokeExpression', 'Invoke-Expression -Command a', { param ($s) Select-Name $s '^(Invoke-Expression|iex)$' })
    , @('AvoidUsingPlainTextForPassword', 'param ([string] $Password) $Password', { param ($s) $s.Parameters | Where-Object { (Get-Name $_) -match 'pass|credential' -and $_.StaticType.Name -notin 'SecureString', 'PSCredential' } })
    # The rule itself lets two pass.
    , @('AvoidUsingPositionalParameters', 'Get-Content a', { param ($s) $s.Commands | Where-Object { $_.GetCommandName() -notin 'ForEach-Object', 'Where-Object' } | Where-Object {
                $elements = $_.CommandElements
                for ($i = 1; $i -lt $elements.Count; $i++) {
                    $isValue = $elements[$i].GetType().Name -ne 'CommandParameterAst' -and -not $elements[$i].Extent.Text.StartsWith('@')
                    if ($isValue -and $elements[$i - 1].GetType().Name -ne 'CommandParameterAst') { return $true }
                } } })
    , @('AvoidUsingUsernameAndPasswordParams', 'param ($Username, $Password) $Username, $Password', { param ($s) $s.Parameters | Where-Object { (Get-Name $_) -match '^user(name)?$|^pass' } })
    , @('AvoidUsingWMICmdlet', 'Get-WmiObject -Class A', { param ($s) Select-Name $s '(?i)-Wmi|^gwmi$' })
    , @('AvoidUsingWriteHost', 'Write-Host -Object 1', { param ($s) Select-Name $s '^Write-Host$' })
    , @('MisleadingBacktick', "'a' + `` `n 'b'", { param ($s) [regex]::Matches($s.Text, '(?m)`[ \t]+$') })
    , @('PossibleIncorrectComparisonWithNull', 'if ($a -eq $null) { 1 }', { param ($s) Select-Type $s 'BinaryExpressionAst' | Where-Object { "$($_.Right)" -eq '$null' } })
    , @('PossibleIncorrectUsageOfAssignmentOperator', 'if ($a = 1) { 1 }', { param ($s) Select-Type $s 'IfStatementAst' | ForEach-Object { $_.Clauses } | Where-Object { $_.Item1.GetType().Name -eq 'AssignmentStatementAst' } | ForEach-Object { $_.Item1 } })
    , @('PossibleIncorrectUsageOfRedirectionOperator', 'if ($a > 1) { 1 }', { param ($s) Select-Type $s 'FileRedirectionAst' })
    # Of functions that a module exports; a script has its own help.
    , @('ProvideCommentHelp', '$a', { param ($s) if ($null -eq $s.Tree.GetHelpContent() -or -not $s.Tree.GetHelpContent().Synopsis) { $s.Tree } })
    , @('ReservedCmdletChar', 'function Get-A[1] { 1 }', { param ($s) $s.Functions | Where-Object { $_.Name -match '[#,(){}\[\]&/\\$^;:"''<>|?@`*%+=~]' } })
    , @('ReservedParams', 'function Get-A { [CmdletBinding()] param ($Verbose) $Verbose }', { param ($s) $s.Parameters | Where-Object { (Get-Name $_) -in $common } })
    , @('ReviewUnusedParameter', 'function Get-A { param ($X, $Y) $Y }', { param ($s) $s.Parameters | Where-Object {
                $name = Get-Name $_
                $owner = $_.Parent.Parent
                @(Select-Variable $s $name $owner | Where-Object { $_.Parent.GetType().Name -ne 'ParameterAst' }).Count -eq 0 } })
    , @('ShouldProcess', '[CmdletBinding(SupportsShouldProcess = $true)] param () 1', { param ($s)
            $declares = $s.Text -match 'SupportsShouldProcess'
            $calls = @(Select-Type $s 'InvokeMemberExpressionAst' | Where-Object { "$($_.Member)" -eq 'ShouldProcess' }).Count -gt 0
            if ($declares -ne $calls) { $s.Tree } })
    , @('UseApprovedVerbs', 'function Make-A { 1 }', { param ($s) $verbs = @(Get-Verb | ForEach-Object { $_.Verb }); $s.Functions | Where-Object { ($_.Name -split '-')[0] -notin $verbs } })
    , @('UseBOMForUnicodeEncodedFile', "'$([char] 0xfc)'", { param ($s) [regex]::Matches($s.Text, '[^\x00-\x7f]') })
    # Every call fits: parameters that the function has, and all that it must have.
    , @('UseCmdletCorrectly', 'function Get-A { param ([Parameter(Mandatory = $true)] $X) $X } Get-A', { param ($s) foreach ($call in $s.Commands) {
                $name = $call.GetCommandName()
                $names = @($call.CommandElements | Where-Object { $_.GetType().Name -eq 'CommandParameterAst' } | ForEach-Object { $_.ParameterName })
                $splats = @($call.CommandElements | Where-Object { $_.Extent.Text.StartsWith('@') -and $_.GetType().Name -eq 'VariableExpressionAst' }).Count -gt 0
                $own = @($s.Functions | Where-Object { $_.Name -eq $name })
                if ($own.Count -gt 0) {
                    $known = @($own[0].Body.ParamBlock.Parameters)
                    $must = @($known | Where-Object { "$($_.Attributes)" -match 'Mandatory' } | ForEach-Object { Get-Name $_ })
                    $may = @($known | ForEach-Object { Get-Name $_ })
                    if (@($names | Where-Object { $_ -notin $may -and $_ -notin $common }).Count -gt 0 -or (-not $splats -and @($must | Where-Object { $_ -notin $names }).Count -gt 0)) { $call }
                    continue
                }
                if (-not $cmdlets.ContainsKey($name)) { $cmdlets[$name] = @(Get-Command -Name $name -Module 'Microsoft.PowerShell.*' -CommandType Cmdlet -ErrorAction SilentlyContinue) }
                $there = $cmdlets[$name]
                if ($there.Count -gt 0 -and @($names | Where-Object { $_ -notin $there[0].Parameters.Keys }).Count -gt 0) { $call }
            } })
    , @('UseDeclaredVarsMoreThanAssignments', 'function Get-A { $x = 1 }', { param ($s) foreach ($one in $s.Assignments) {
                foreach ($variable in @($one.Left.FindAll({ $args[0].GetType().Name -eq 'VariableExpressionAst' }, $true))) {
                    $name = $variable.VariablePath.UserPath
                    if ($name -eq 'ErrorActionPreference' -or $one.Left.GetType().Name -in 'IndexExpressionAst', 'MemberExpressionAst') { continue }
                    $uses = @(Select-Variable $s $name (Get-Scope $one) | Where-Object {
                            $parent = $_.Parent
                            -not ($parent.GetType().Name -eq 'AssignmentStatementAst' -and $parent.Left -eq $_ -and "$($parent.Operator)" -eq 'Equals') -and -not ($parent.GetType().Name -eq 'ArrayLiteralAst' -and $parent.Parent.GetType().Name -eq 'AssignmentStatementAst' -and $parent.Parent.Left -eq $parent) })
                    # What the script has set, its functions may use.
                    if ($uses.Count -eq 0 -and -not ((Get-Scope $one).GetType().Name -eq 'ScriptBlockAst' -and [regex]::Matches($s.Text, "(?i)[\$@]$name\b").Count -gt 1)) { $variable }
                } } })
    , @('UseLiteralInitializerForHashtable', '[hashtable]::new()', { param ($s) [regex]::Matches($s.Text, '(?i)\[hashtable\]::new|New-Object (-TypeName )?''?(System\.Collections\.)?hashtable') })
    , @('UseOutputTypeCorrectly', 'function Get-A { [CmdletBinding()] [OutputType([int])] param () ''a'' }', { param ($s) foreach ($one in $s.Functions) {
                if ($null -eq (Get-AttributeOf $one.Body 'CmdletBinding')) { continue }
                $declared = @(Get-AttributeOf $one.Body 'OutputType' | ForEach-Object { $_.PositionalArguments } | ForEach-Object { "$($_.StaticType.Name) $($_.Extent.Text)" })
                foreach ($value in @(Get-Output $one)) {
                    $type = $value.StaticType
                    $text = if ($value.GetType().Name -eq 'ConvertExpressionAst') { "$($value.Type.TypeName)" } else { $type.Name }
                    # Of an array the elements; of what is not known, nothing.
                    if ($type.Name -in 'Object', 'Object[]') { continue }
                    if ($value.GetType().Name -eq 'VariableExpressionAst' -and "$value" -in '$true', '$false') { $text = 'bool' }
                    $short = $text -replace '^PSObject$', 'pscustomobject' -replace '^Boolean$', 'bool'
                    if (@($declared | Where-Object { $_ -match "(?i)\[$([regex]::Escape($short))\]" }).Count -eq 0) { $value }
                } } })
    , @('UseProcessBlockForPipelineCommand', 'function Get-A { param ([Parameter(ValueFromPipeline = $true)] $X) $X }', { param ($s) $s.Functions | Where-Object { "$($_.Body.ParamBlock)" -match 'ValueFromPipeline' -and $null -eq $_.Body.ProcessBlock } })
    , @('UsePSCredentialType', 'param ([string] $Credential) $Credential', { param ($s) $s.Parameters | Where-Object { (Get-Name $_) -eq 'Credential' -and $_.StaticType.Name -ne 'PSCredential' } })
    , @('UseShouldProcessForStateChangingFunctions', 'function Set-A { 1 }', { param ($s) $s.Functions | Where-Object { $_.Name -match '^(New|Set|Remove|Start|Stop|Restart|Reset|Update)-' -and "$(if ($null -ne $_.Body.ParamBlock) { $_.Body.ParamBlock.Attributes })" -notmatch 'SupportsShouldProcess' } })
    , @('UseSingularNouns', 'function Get-Rules { 1 }', { param ($s) $s.Functions | Where-Object { $_.Name -match '[^s]s$' } })
    , @('UseSupportsShouldProcess', 'function Get-A { param ($WhatIf, $Confirm) $WhatIf, $Confirm }', { param ($s) $s.Parameters | Where-Object { (Get-Name $_) -in 'WhatIf', 'Confirm' } })
    , @('UseUsingScopeModifierInNewRunspaces', 'Start-Job -ScriptBlock { $a }', { param ($s) Select-Name $s '^(Start-(Thread)?Job|Invoke-Command)$' })
    # Not on by default, and held as well.
    , @('AvoidExclaimOperator', '!$a', { param ($s) $s.Tokens | Where-Object { "$($_.Kind)" -eq 'Exclaim' } })
    , @('AvoidLongLines', ('1' * 121), { param ($s) $s.Text -split "`n" | Where-Object { $_.Length -gt 120 -and $_ -notmatch '^ +(DisplayName|Description) ' } })
    , @('AvoidSemicolonsAsLineTerminators', "`$a = 1;`n", { param ($s) [regex]::Matches($s.Text, '(?m);[ \t]*$') })
    , @('AvoidUsingDoubleQuotesForConstantString', '$a = "b"', { param ($s) Select-Type $s 'StringConstantExpressionAst' | Where-Object { "$($_.StringConstantType)" -eq 'DoubleQuoted' } })
    # Ours.
    , @('every function is used', 'function Get-A { 1 }', { param ($s) $s.Functions | Where-Object { -not $s.Called.ContainsKey($_.Name) } })
    # Two names that differ in case alone are one variable.
    , @('variables keep their case', 'function Get-A { param ($Rule) $rule }', { param ($s) $s.Functions | Where-Object {
                @($_.FindAll({ $args[0].GetType().Name -eq 'VariableExpressionAst' }, $true) | ForEach-Object { $_.VariablePath.UserPath } | Sort-Object -Unique -CaseSensitive | Group-Object | Where-Object { $_.Count -gt 1 }).Count -gt 0 } })
)
# The rest of those that are on by default is about modules, help files, resources of DSC, or has nothing to say unless it is set up:
# AvoidUsingDeprecatedManifestFields, MissingModuleManifestField, UseToExportFieldsInManifest, UseUTF8EncodingForHelpFile, DSC*,
# UseCompatibleCmdlets.

foreach ($rule in $rules) {
    $name, $bad, $find = $rule
    if (@(& $find (Get-Subject $bad)).Count -gt 0) { "ok finds $name" } else { "not ok finds $name" }
}
# The engine is the same text in both, and takes all the time: it is asked about once, and must be the same. The tables of the
# second are looked at on their own, as are the tables of the first before the engine.
$texts = @($First, $Second | ForEach-Object { [System.IO.File]::ReadAllText($_) })
$begins = @($texts | ForEach-Object { $_.IndexOf('# ---- the engine, comparing') })
if ($begins[0] -gt 0 -and $texts[0].Substring($begins[0]) -ceq $texts[1].Substring($begins[1])) { 'ok the engine is the same' } else { 'not ok the engine is the same' }
# What only the engine uses or asks for cannot be seen in the tables alone.
$whole = 'ShouldProcess', 'ReviewUnusedParameter', 'UseDeclaredVarsMoreThanAssignments'
foreach ($text in $texts[0], $texts[1].Substring(0, $begins[1])) {
    $subject = Get-Subject $text
    foreach ($rule in $rules) {
        if ($text -ne $texts[0] -and $rule[0] -in $whole) { continue }
        $name, $bad, $find = $rule
        $found = @(& $find $subject | Where-Object { $null -ne $_ } | ForEach-Object { if ($_ -is [System.Management.Automation.Language.Ast]) { "line $($_.Extent.StartLineNumber): $(($_.Extent.Text -split "`n")[0])" } else { "$_" } })
        if ($found.Count -eq 0) { "ok $name" } else { "not ok ${name}: $($found -join ', ')" }
    }
}

# The analyzer itself.
if ($null -eq (Get-Module -ListAvailable -Name 'PSScriptAnalyzer')) { 'skipped PSScriptAnalyzer: the module is not installed' }
else {
    Import-Module PSScriptAnalyzer
    foreach ($path in $First, $Second) {
        $found = @(Invoke-ScriptAnalyzer -Path $path | ForEach-Object { "line $($_.Line): $($_.RuleName)" })
        if ($found.Count -eq 0) { 'ok PSScriptAnalyzer' } else { "not ok PSScriptAnalyzer: $($found -join ', ')" }
    }
}
'done'
